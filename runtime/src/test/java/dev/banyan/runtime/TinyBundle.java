package dev.banyan.runtime;

import static dev.banyan.artifacts.tensor.DType.BOOL;
import static dev.banyan.artifacts.tensor.DType.FLOAT;
import static dev.banyan.artifacts.tensor.DType.FLOAT16;
import static dev.banyan.artifacts.tensor.DType.INT64;

import dev.banyan.artifacts.bundle.AdapterInfo;
import dev.banyan.artifacts.bundle.BaseInfo;
import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.bundle.BundleManifest;
import dev.banyan.artifacts.bundle.BundleWriter;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.Layout;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Pooling;
import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.bundle.TextInfo;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.artifacts.checkpoint.CheckpointFile;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.artifacts.onnx.ExternalDataWriter;
import dev.banyan.artifacts.onnx.OnnxFile;
import dev.banyan.artifacts.onnx.TensorProtos;
import dev.banyan.artifacts.onnx.proto.TensorProto;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * A complete bundle whose gradients are written by hand, small enough to be checked by eye: the
 * mean of word vectors {@code p}, one adapted layer {@code y = p·W + ((p·A)*s)·B}, and a head.
 */
public final class TinyBundle {
  /** Words its tokenizer knows, beside padding and the unknown word. */
  public static final List<String> WORDS =
      List.of(
          "red", "green", "blue", "apple", "pear", "plum", "dog", "cat", "cow", "fast", "slow",
          "warm", "cold", "the", "a", "is");

  private static final int HIDDEN = 16;
  private static final int VOCABULARY = 2 + 16;
  private static final String LAYER = "encoder.dense";
  private static final List<String> PARAMETERS =
      List.of(LAYER + ".lora_A", LAYER + ".lora_B", "classifier.weight", "classifier.bias");

  private final TensorProto words;
  private final TensorProto weight;

  private final Kind kind;

  /** What a bundle can have beside the plain one's. */
  private enum Kind {
    PLAIN,
    HALF,
    DROPOUT
  }

  private TinyBundle(TensorProto words, TensorProto weight, Kind kind) {
    this.words = words;
    this.weight = weight;
    this.kind = kind;
  }

  /** Writes the bundle as the first ones were: one scaling for all layers, and no masks. */
  public static Bundle write(Path folder) {
    return write(folder, Kind.PLAIN);
  }

  /** Writes a bundle whose gradients pass through 16 bits, multiplied by the loss's scale. */
  public static Bundle writeHalf(Path folder) {
    return write(folder, Kind.HALF);
  }

  /** Writes the bundle with a scaling for each layer, and masks of dropout. */
  public static Bundle writeWithDropout(Path folder) {
    return write(folder, Kind.DROPOUT);
  }

  private static Bundle write(Path folder, Kind kind) {
    try (BundleWriter writer = new BundleWriter(folder)) {
      TinyBundle bundle = base(writer.path(Bundle.BASE_DATA), kind);
      OnnxFile.write(writer.path(Bundle.TRAINING_MODEL), bundle.training().model());
      OnnxFile.write(writer.path(Bundle.GRADIENT_MODEL), bundle.gradients().model());
      OnnxFile.write(writer.path(Bundle.EVAL_MODEL), bundle.eval("p").model());
      OnnxFile.write(writer.path(Bundle.OPTIMIZER_MODEL), optimizer().model());
      OnnxFile.write(writer.path(Bundle.SERVING_MODEL), bundle.serving().model());
      CheckpointFile.write(writer.path(Bundle.CHECKPOINT), Checkpoint.fresh(start()));
      Files.writeString(writer.path(Bundle.TOKENIZER), tokenizer());
      return writer.commit(manifest());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The description of the bundle. */
  public static BundleManifest manifest() {
    String hidden = Integer.toString(HIDDEN);
    return new BundleManifest(
        Task.TEXT_CLASSIFICATION,
        new BaseInfo(
            Digest.of("tiny base".getBytes(StandardCharsets.UTF_8)),
            (long) VOCABULARY * HIDDEN + HIDDEN * HIDDEN,
            HIDDEN,
            "tiny.onnx"),
        new TextInfo(List.of("input_ids", "attention_mask"), Pooling.MEAN, 12),
        AdapterInfo.lora("dense", List.of(LAYER), ""),
        List.of(
            ParameterSpec.of(
                    MethodName.LORA,
                    PARAMETERS.get(0),
                    List.of(hidden, ParameterSpec.RANK),
                    Initializer.KAIMING_UNIFORM)
                .stored(LAYER + ".lora_A.weight", Layout.TRANSPOSED)
                .withDecay(),
            ParameterSpec.of(
                    MethodName.LORA,
                    PARAMETERS.get(1),
                    List.of(ParameterSpec.RANK, hidden),
                    Initializer.ZEROS)
                .stored(LAYER + ".lora_B.weight", Layout.TRANSPOSED)
                .withDecay()
                .withScaling(),
            ParameterSpec.common(
                PARAMETERS.get(2),
                List.of(hidden, ParameterSpec.LABELS),
                Initializer.NORMAL_0_02,
                Layout.TRANSPOSED),
            ParameterSpec.common(
                PARAMETERS.get(3), List.of(ParameterSpec.LABELS), Initializer.ZEROS, Layout.SAME)));
  }

  private static TinyBundle base(Path data, Kind kind) {
    try (ExternalDataWriter external = new ExternalDataWriter(data)) {
      Tensor words = random("words", Shape.of(VOCABULARY, HIDDEN), 1);
      Tensor weight = random("dense.weight", Shape.of(HIDDEN, HIDDEN), 2);
      return new TinyBundle(
          TensorProtos.external(words, external.add(words)),
          TensorProtos.external(weight, external.add(weight)),
          kind);
    }
  }

  private TinyGraph pooled() {
    return new TinyGraph()
        .input("input_ids", INT64, "batch", "sequence")
        .input("attention_mask", INT64, "batch", "sequence")
        .constant(words)
        .constant(weight)
        .constant(TensorProtos.inline(Tensor.ofLongs("one", Shape.of(1), 1)))
        .constant(TensorProtos.inline(Tensor.ofLongs("two", Shape.of(1), 2)))
        .node("Gather", List.of("words", "input_ids"), List.of("x"))
        .node("Cast", List.of("attention_mask"), List.of("mask"), "to", FLOAT.onnxCode())
        .node("Unsqueeze", List.of("mask", "two"), List.of("mask3"))
        .node("Mul", List.of("x", "mask3"), List.of("kept"))
        .node("ReduceSum", List.of("kept", "one"), List.of("sum"), "keepdims", 0)
        .node("ReduceSum", List.of("mask", "one"), List.of("count"), "keepdims", 1)
        .node("Div", List.of("sum", "count"), List.of("p"))
        .node("MatMul", List.of("p", "dense.weight"), List.of("base"));
  }

  /**
   * @param read what the adapter reads
   */
  private TinyGraph forward(String read) {
    String hidden = Integer.toString(HIDDEN);
    TinyGraph graph = read.equals("p") ? pooled() : dropped(read);
    return graph
        .input("labels", INT64, "batch")
        .input("lora_scaling", FLOAT, kind == Kind.DROPOUT ? new String[] {"1"} : new String[0])
        .input(PARAMETERS.get(0), FLOAT, hidden, "rank")
        .input(PARAMETERS.get(1), FLOAT, "rank", hidden)
        .input(PARAMETERS.get(2), FLOAT, hidden, "labels")
        .input(PARAMETERS.get(3), FLOAT, "labels")
        .node("MatMul", List.of(read, PARAMETERS.get(0)), List.of("u"))
        .node("Mul", List.of("u", "lora_scaling"), List.of("us"))
        .node("MatMul", List.of("us", PARAMETERS.get(1)), List.of("delta"))
        .node("Add", List.of("base", "delta"), List.of("y"))
        .node("MatMul", List.of("y", PARAMETERS.get(2)), List.of("scores"))
        .node("Add", List.of("scores", PARAMETERS.get(3)), List.of("logits"))
        .node("SoftmaxCrossEntropyLoss", List.of("logits", "labels"), List.of("loss", "log_prob"));
  }

  /** The layer reads one vector a text: the first elements of its mask count. */
  private TinyGraph dropped(String name) {
    String mask = LAYER + ".lora_dropout";
    return pooled()
        .input(mask, BOOL, "batch", "sequence", Integer.toString(HIDDEN))
        .constant(TensorProtos.inline(Tensor.ofLongs("all", Shape.of(1), -1)))
        .constant(TensorProtos.inline(Tensor.ofLongs("first", Shape.of(1), 0)))
        .node("Reshape", List.of(mask, "all"), List.of("flat"))
        .node("Size", List.of("p"), List.of("elements"))
        .node("Reshape", List.of("elements", "all"), List.of("end"))
        .node("Slice", List.of("flat", "first", "end"), List.of("own"))
        .node("Shape", List.of("p"), List.of("shape_of_p"))
        .node("Reshape", List.of("own", "shape_of_p"), List.of("shaped"))
        .node("Cast", List.of("shaped"), List.of("factor"), "to", FLOAT.onnxCode())
        .node("Mul", List.of("p", "factor"), List.of(name));
  }

  private TinyGraph eval(String read) {
    return forward(read).output("loss", FLOAT).output("logits", FLOAT, "batch", "labels");
  }

  private TinyGraph gradients() {
    TinyGraph graph = backward();
    List<ParameterSpec> specs = manifest().parameters();
    for (int i = 0; i < specs.size(); i++) {
      graph.output(grad(i), FLOAT, specs.get(i).dims().toArray(String[]::new));
    }
    return graph;
  }

  private TinyGraph backward() {
    String read = kind == Kind.DROPOUT ? "dropped" : "p";
    TinyGraph graph =
        eval(read)
            .constant(TensorProtos.inline(Tensor.ofFloats("one_hot", Shape.of(2), 0, 1)))
            .constant(TensorProtos.inline(Tensor.ofLongs("zero", Shape.of(1), 0)))
            .node("Exp", List.of("log_prob"), List.of("probabilities"))
            .node("Shape", List.of("logits"), List.of("size"))
            .node("Gather", List.of("size", "one"), List.of("classes"))
            .node("OneHot", List.of("labels", "classes", "one_hot"), List.of("truth"))
            .node("Sub", List.of("probabilities", "truth"), List.of("excess"))
            .node("Gather", List.of("size", "zero"), List.of("rows"))
            .node("Cast", List.of("rows"), List.of("count_of_rows"), "to", FLOAT.onnxCode())
            .node("Div", List.of("excess", "count_of_rows"), List.of("share"));
    if (kind == Kind.HALF) {
      graph
          .input("loss_scale", FLOAT)
          .node("Mul", List.of("share", "loss_scale"), List.of("scaled"))
          .node("Cast", List.of("scaled"), List.of("narrow"), "to", FLOAT16.onnxCode())
          .node("Cast", List.of("narrow"), List.of("dlogits"), "to", FLOAT.onnxCode());
    } else {
      graph.node("Identity", List.of("share"), List.of("dlogits"));
    }
    return graph
        .node("Gemm", List.of("y", "dlogits"), List.of(grad(2)), "transA", 1)
        .node("ReduceSum", List.of("dlogits", "zero"), List.of(grad(3)), "keepdims", 0)
        .node("Gemm", List.of("dlogits", PARAMETERS.get(2)), List.of("dy"), "transB", 1)
        .node("Gemm", List.of("us", "dy"), List.of(grad(1)), "transA", 1)
        .node("Gemm", List.of("dy", PARAMETERS.get(1)), List.of("dus"), "transB", 1)
        .node("Mul", List.of("dus", "lora_scaling"), List.of("du"))
        .node("Gemm", List.of(read, "du"), List.of(grad(0)), "transA", 1);
  }

  private TinyGraph training() {
    TinyGraph graph = backward();
    List<ParameterSpec> specs = manifest().parameters();
    for (int i = 0; i < specs.size(); i++) {
      String[] dims = specs.get(i).dims().toArray(String[]::new);
      String buffer = grad(i) + ".accumulation.buffer";
      graph
          .input(buffer, FLOAT, dims)
          .microsoft(
              "InPlaceAccumulatorV2",
              List.of(buffer, grad(i), "lazy_reset_grad"),
              List.of(grad(i) + ".accumulation.out"))
          .output(grad(i) + ".accumulation.out", BOOL, "1");
    }
    return graph.input("lazy_reset_grad", BOOL, "1");
  }

  private static String grad(int parameter) {
    return PARAMETERS.get(parameter) + "_grad";
  }

  private static TinyGraph optimizer() {
    return new TinyGraph()
        .input("learning_rate", FLOAT, "1")
        .input("step", INT64, "1")
        .sequenceInput("params")
        .sequenceInput("gradients")
        .sequenceInput("first_order_moments")
        .sequenceInput("second_order_moments")
        .sequenceValue("clipped")
        .microsoft(
            "InplaceClipGradNorm", List.of("gradients"), List.of("clipped"), "max_norm", 1.0f)
        .microsoft(
            "AdamWOptimizer",
            List.of(
                "learning_rate",
                "step",
                "params",
                "clipped",
                "first_order_moments",
                "second_order_moments"),
            List.of("updated_flag"),
            "alpha",
            0.9f,
            "beta",
            0.999f,
            "epsilon",
            1e-8f,
            "weight_decay",
            0.01f,
            "correct_bias",
            1,
            "adam_mode",
            0)
        .output("updated_flag", BOOL, "1");
  }

  private TinyGraph serving() {
    TinyGraph graph = pooled().input("adapter_ids", INT64, "batch");
    for (ParameterSpec spec : manifest().parameters()) {
      String[] dims = new String[spec.dims().size() + 1];
      dims[0] = "slots";
      System.arraycopy(spec.dims().toArray(String[]::new), 0, dims, 1, spec.dims().size());
      String bank = spec.bankName();
      graph
          .input(bank, FLOAT, dims)
          .node("Gather", List.of(bank, "adapter_ids"), List.of(spec.name()));
    }
    return graph
        .node("Unsqueeze", List.of("p", "one"), List.of("p3"))
        .node("MatMul", List.of("p3", PARAMETERS.get(0)), List.of("u"))
        .node("MatMul", List.of("u", PARAMETERS.get(1)), List.of("delta3"))
        .node("Squeeze", List.of("delta3", "one"), List.of("delta"))
        .node("Add", List.of("base", "delta"), List.of("y"))
        .node("Unsqueeze", List.of("y", "one"), List.of("y3"))
        .node("MatMul", List.of("y3", PARAMETERS.get(2)), List.of("scores3"))
        .node("Squeeze", List.of("scores3", "one"), List.of("scores"))
        .node("Add", List.of("scores", PARAMETERS.get(3)), List.of("logits"))
        .node("ReduceL2", List.of("y"), List.of("norm"), "axes", new int[] {1}, "keepdims", 1)
        .node("Div", List.of("y", "norm"), List.of("embeddings"))
        .output("embeddings", FLOAT, "batch", Integer.toString(HIDDEN))
        .output("logits", FLOAT, "batch", "labels");
  }

  private static List<Tensor> start() {
    return manifest().parameters().stream()
        .map(spec -> random(spec.name(), spec.shape(8, 2), 3))
        .toList();
  }

  private static String tokenizer() {
    StringBuilder vocabulary = new StringBuilder("\"[PAD]\": 0, \"[UNK]\": 1");
    for (int i = 0; i < WORDS.size(); i++) {
      vocabulary.append(", \"").append(WORDS.get(i)).append("\": ").append(i + 2);
    }
    return """
    {"version": "1.0", "truncation": null, "padding": null,
     "added_tokens": [{"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
     "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
     "post_processor": null, "decoder": null,
     "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "[UNK]"}}
    """
        .formatted(vocabulary);
  }

  private static Tensor random(String name, Shape shape, long seed) {
    Random random = new Random(seed);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.5f;
    }
    return Tensor.ofFloats(name, shape, values);
  }
}
