package dev.banyan.runtime.ort;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  @Test
  void devicesAreReadAsUsersWriteThem() {
    assertThat(Device.parse("cpu")).isEqualTo(new Device.Cpu());
    assertThat(Device.parse("cuda")).isEqualTo(new Device.Cuda(0));
    assertThat(Device.parse("cuda:1")).isEqualTo(new Device.Cuda(1)).hasToString("cuda:1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"})
  void otherWordsAreRefused(String text) {
    assertThatThrownBy(() -> Device.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected cpu, cuda or cuda:<number>");
  }

  @Test
  void cudaThatIsNotThereIsAClearFailure() {
    SessionSettings settings = SessionSettings.defaults().on(new Device.Cuda(99));
    assertThatThrownBy(() -> InferenceSession.open(Path.of("no.onnx"), settings))
        .isInstanceOf(OrtFailure.DeviceUnavailable.class)
        .hasMessageContaining("cuda:99");
  }
}
