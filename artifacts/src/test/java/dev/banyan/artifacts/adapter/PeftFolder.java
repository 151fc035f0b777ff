package dev.banyan.artifacts.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.banyan.artifacts.integrity.JsonText;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Folders as PEFT itself saves them, byte layout included, for the tests of this package. */
final class PeftFolder {
  /** The keys and values that PEFT writes for a LoRA adapter of a BERT classifier. */
  private static final String CONFIG =
      """
      {
        "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null,
        "auto_mapping": null, "base_model_name_or_path": "bert-base-uncased", "bias": "none",
        "corda_config": null, "eva_config": null, "exclude_modules": null, "fan_in_fan_out": false,
        "inference_mode": true, "init_lora_weights": true, "layer_replication": null,
        "layers_pattern": null, "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 16,
        "lora_bias": false, "lora_dropout": 0.1, "megatron_config": null,
        "megatron_core": "megatron.core", "modules_to_save": ["classifier", "score"],
        "peft_type": "LORA", "qalora_group_size": 16, "r": 2, "rank_pattern": {}, "revision": null,
        "target_modules": ["value", "query"], "target_parameters": null, "task_type": "SEQ_CLS",
        "trainable_token_indices": null, "use_dora": false, "use_qalora": false,
        "use_rslora": false, "a_key_of_next_year": {"deep": [1, 2.5, "x"]}
      }
      """;

  private PeftFolder() {}

  static ObjectNode config() {
    return JsonText.parse("test", CONFIG.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a folder with this configuration and one LoRA pair in half precision. */
  static Path write(Path dir, ObjectNode config) throws IOException {
    Files.createDirectories(dir);
    Files.write(dir.resolve(PeftAdapter.CONFIG), JsonText.bytes(config));
    String key = "base_model.model.bert.encoder.layer.0.attention.self.query.";
    String header =
        ("{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"%slora_A.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                + "\"%slora_B.weight\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[12,16]}}")
            .formatted(key, key);
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    for (int bits : new int[] {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x3c00, 0xc000}) {
      bytes.putShort((short) bits);
    }
    Files.write(dir.resolve(PeftAdapter.WEIGHTS), bytes.array());
    return dir;
  }
}
