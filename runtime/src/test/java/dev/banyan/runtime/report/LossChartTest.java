package dev.banyan.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

class LossChartTest {
  @TempDir Path folder;

  @Test
  void pictureHasTwoLinesARunAndIsXml()
      throws ParserConfigurationException, IOException, SAXException {
    LossChart chart =
        new LossChart(
            "a < b & c",
            List.of(
                new LossChart.Curve("one", List.of(2f, 1f, 0.5f)),
                new LossChart.Curve("two", List.of(1f))));
    Document document = parse(chart.svg());
    assertThat(document.getElementsByTagName("polyline").getLength()).isEqualTo(4);
    assertThat(document.getElementsByTagName("text").item(0).getTextContent())
        .isEqualTo("a < b & c");
  }

  @Test
  void firstStepOfTheHighestLossIsAtTheTop() {
    String svg = new LossChart("t", List.of(new LossChart.Curve("x", List.of(2f, 0f)))).svg();
    // The plot spans 60..780 and 40..370.
    assertThat(svg).contains("points=\"420.0,40.0 780.0,370.0\"");
  }

  @Test
  void numbersHaveAPointInEveryCountry() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertThat(new LossChart("t", List.of(new LossChart.Curve("x", List.of(1.5f)))).svg())
          .contains(">1.50<");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void runWithoutStepsIsAnEmptyPicture()
      throws ParserConfigurationException, IOException, SAXException {
    LossChart chart = new LossChart("t", List.of(new LossChart.Curve("x", List.of())));
    chart.write(folder.resolve("loss.svg"));
    assertThat(folder.resolve("loss.svg")).hasContent(chart.svg());
    assertThat(parse(chart.svg()).getElementsByTagName("polyline").getLength()).isEqualTo(2);
  }

  private static Document parse(String svg)
      throws ParserConfigurationException, IOException, SAXException {
    return DocumentBuilderFactory.newDefaultInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }
}
