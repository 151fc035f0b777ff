package dev.banyan.artifacts.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.banyan.artifacts.integrity.CorruptArtifact;
import dev.banyan.artifacts.integrity.UnusableArtifact;
import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.artifacts.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
  @TempDir Path folder;

  @Test
  void aFileOfAnotherWriterIsReadAsItIs() {
    SafetensorsFile file =
        parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}   ", 8);
    assertThat(file.metadata()).isEmpty();
    assertThat(file.tensor("a").orElseThrow().shape()).isEqualTo(Shape.of(2));
  }

  @Test
  void theHeaderIsPaddedSoThatTensorsStartAligned() throws Exception {
    Path file = folder.resolve("a.safetensors");
    Tensor tensor = Tensor.ofFloats("a", Shape.of(1), 1);
    new SafetensorsFile(Map.of(), Map.of("a", tensor)).write(file);
    byte[] bytes = Files.readAllBytes(file);
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    assertThat(header % 8).isZero();
    assertThat(bytes).hasSize((int) (8 + header + 4));
  }

  @Test
  void tensorsKeepTheOrderTheyWereGivenIn() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String name : new String[] {"z", "a", "m"}) {
      tensors.put(name, Tensor.ofFloats(name, Shape.of(1), name.charAt(0)));
    }
    Path file = folder.resolve("a.safetensors");
    new SafetensorsFile(Map.of("k", "v"), tensors).write(file);
    SafetensorsFile read = SafetensorsFile.read(file);
    assertThat(read.tensors().keySet()).containsExactly("z", "a", "m");
    assertThat(read.metadata()).containsExactly(Map.entry("k", "v"));
    assertThat(read.tensor("m").orElseThrow().floats()).containsExactly('m');
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}|overlap",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],'data_offsets':[8,12]}}|gap",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}|bytes left over",
        "{'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}}|beyond the file",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,12]}}|size unlike the shape",
        "{'a':{'dtype':'F32','shape':[-3],'data_offsets':[0,12]}}|negative dimension",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[12,0]}}|end before begin",
        "{'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,12]}}|overflow",
        "{'a':{'dtype':'F32','shape':[1e1],'data_offsets':[0,12]}}|fraction",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]},'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]}}|name twice",
        "{'__metadata__':{'k':1},'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]}}|metadata not text",
        "{'__metadata__':{'banyan.base':'x'},'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]}}|digest missing",
        "[]|no object",
      })
  void aHeaderThatContradictsTheFileIsCorrupt(String header, String why) {
    assertThatExceptionOfType(CorruptArtifact.class)
        .as(why)
        .isThrownBy(() -> parse(header.replace('\'', '"'), 12))
        .withMessageContaining("other.safetensors");
  }

  @Test
  void aTypeWithoutUseIsNamed() {
    assertThatExceptionOfType(UnusableArtifact.class)
        .isThrownBy(
            () -> parse("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2))
        .withMessageContainingAll("'a'", "F8_E4M3");
  }

  @Test
  void aGiantHeaderLengthAsksForNoMemory() {
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(0, Long.MAX_VALUE);
    assertThatExceptionOfType(CorruptArtifact.class)
        .isThrownBy(() -> SafetensorsFile.parse("other", MemorySegment.ofArray(bytes.array())));
  }

  @Test
  void aTensorListedUnderAnotherNameIsRefused() {
    Tensor tensor = Tensor.ofFloats("a", Shape.of(1), 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SafetensorsFile(Map.of(), Map.of("b", tensor)));
  }

  /** A file as others write it: no padding, no digest. */
  private static SafetensorsFile parse(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    return SafetensorsFile.parse("other.safetensors", MemorySegment.ofArray(bytes.array()));
  }
}
