package dev.banyan.graph.autodiff;

import static dev.banyan.graph.autodiff.GradientCase.op;

import dev.banyan.artifacts.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** The rows of {@link GradientTable} for operators on {@code [batch, channels, axis...]}. */
final class ImageGradientTable {
  private ImageGradientTable() {}

  static List<GradientCase> rows() {
    List<GradientCase> rows = new ArrayList<>();
    rows.addAll(convolutions());
    rows.addAll(maxPools());
    rows.addAll(averagePools());
    rows.addAll(resizes());
    rows.addAll(normalizations());
    rows.addAll(blocks());
    return rows;
  }

  private static List<GradientCase> convolutions() {
    List<GradientCase> rows = new ArrayList<>();
    GradientCase conv = op("Conv").opsets(11, 20);
    rows.add(conv.in(2, 3, 5).weight(4, 3, 2));
    rows.add(conv.in(2, 3, 5).weight(4, 3, 2).in(4));
    rows.add(conv.in(2, 3, 7).weight(2, 3, 3).ints("strides", 3).ints("pads", 1, 0));
    rows.add(conv.in(1, 3, 8).weight(2, 3, 2).ints("strides", 3).ints("dilations", 2));
    rows.add(conv.in(2, 3, 5, 4).weight(4, 3, 3, 2).in(4).ints("pads", 1, 0, 1, 1));
    rows.add(conv.in(2, 3, 6, 7).weight(2, 3, 3, 3).ints("strides", 2, 2).ints("pads", 1, 1, 1, 1));
    rows.add(conv.in(1, 3, 8, 8).weight(2, 3, 4, 4).ints("strides", 4, 4));
    rows.add(conv.in(2, 4, 5, 5).weight(6, 2, 3, 3).in(6).set("group", 2).ints("pads", 1, 1, 1, 1));
    rows.add(conv.in(2, 3, 5, 5).weight(3, 1, 3, 3).set("group", 3).ints("strides", 2, 1));
    rows.add(
        conv.in(1, 4, 9).weight(4, 2, 2).set("group", 2).ints("strides", 4).ints("pads", 0, 3));
    for (String rule : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      GradientCase padded = conv.set("auto_pad", rule);
      rows.add(padded.in(1, 2, 6, 7).weight(3, 2, 3, 2).ints("strides", 2, 2));
      rows.add(padded.in(1, 2, 7).weight(3, 2, 2).ints("strides", 3));
    }
    rows.add(conv.in(1, 2, 3, 4, 3).weight(2, 2, 2, 2, 2).ints("pads", 1, 0, 0, 0, 1, 0));
    rows.add(conv.in(0, 3, 5).weight(4, 3, 2).in(4).shown());
    GradientCase transposed = op("ConvTranspose").opsets(11, 20);
    rows.add(transposed.in(2, 3, 4).weight(3, 2, 3).in(2));
    rows.add(
        transposed
            .in(1, 4, 3, 4)
            .weight(4, 2, 3, 2)
            .ints("strides", 2, 2)
            .ints("pads", 1, 0, 1, 1));
    rows.add(
        transposed
            .in(2, 4, 3)
            .weight(4, 2, 3)
            .set("group", 2)
            .ints("strides", 2)
            .ints("output_padding", 1));
    return rows.stream().map(GradientCase::inFloat).toList();
  }

  private static List<GradientCase> maxPools() {
    GradientCase max = op("MaxPool").opsets(12, 13, 18, 20);
    GradientCase square = max.ints("kernel_shape", 3, 3);
    return List.of(
        max.in(2, 3, 6).ints("kernel_shape", 2).ints("strides", 2),
        max.in(2, 3, 6).ints("kernel_shape", 3),
        square.in(2, 3, 7, 6).ints("strides", 2, 2).ints("pads", 1, 1, 1, 1),
        square.in(1, 2, 6, 6).ints("strides", 2, 1).set("ceil_mode", 1),
        square.in(1, 2, 7, 8).ints("dilations", 2, 1).ints("strides", 1, 3),
        square.in(1, 2, 5, 5).set("auto_pad", "SAME_UPPER").ints("strides", 2, 2),
        max.in(1, 2, 3, 4, 3).ints("kernel_shape", 2, 2, 2),
        max.in(0, 3, 6).ints("kernel_shape", 2).opsets(16, 20).shown(),
        op("GlobalMaxPool").inFloat().in(2, 3, 4),
        op("GlobalMaxPool").inFloat().in(2, 3, 4, 3));
  }

  private static List<GradientCase> averagePools() {
    List<GradientCase> rows = new ArrayList<>();
    for (long include = 0; include <= 1; include++) {
      GradientCase mean = op("AveragePool").set("count_include_pad", include);
      GradientCase square = mean.ints("kernel_shape", 3, 3);
      rows.add(mean.in(2, 3, 6).ints("kernel_shape", 2).ints("strides", 2));
      rows.add(mean.in(2, 3, 6).ints("kernel_shape", 3).ints("pads", 1, 0));
      rows.add(square.in(2, 3, 7, 6).ints("strides", 2, 2).ints("pads", 1, 1, 1, 1));
      rows.add(square.in(1, 2, 6, 6).ints("strides", 2, 1).set("ceil_mode", 1));
      rows.add(
          square.in(1, 2, 6, 6).ints("strides", 2, 2).ints("pads", 1, 1, 1, 1).set("ceil_mode", 1));
      rows.add(square.in(1, 2, 5, 6).set("auto_pad", "SAME_LOWER").ints("strides", 2, 2));
      rows.add(square.in(1, 2, 7, 8).ints("dilations", 2, 1).opsets(19, 22));
      rows.add(mean.in(1, 2, 3, 4, 3).ints("kernel_shape", 2, 2, 2));
      rows.add(mean.in(0, 3, 6).ints("kernel_shape", 2).shown());
    }
    rows.add(op("GlobalAveragePool").in(2, 3, 4));
    rows.add(op("GlobalAveragePool").in(2, 3, 4, 3));
    rows.add(op("GlobalAveragePool").in(0, 3, 4, 3).shown());
    return rows.stream().map(GradientCase::inFloat).toList();
  }

  private static List<GradientCase> resizes() {
    List<GradientCase> rows = new ArrayList<>();
    Shape four = Shape.of(4);
    GradientCase old = op("Resize").inFloat().opsets(11, 13);
    GradientCase image = op("Resize").inFloat().opsets(13, 18, 20).in(1, 2, 3, 4);
    for (String mode : List.of("nearest", "linear", "cubic")) {
      GradientCase row = image.set("mode", mode);
      rows.add(row.absent().frozen(four, 1, 1, 2, 2));
      rows.add(row.absent().frozen(four, 1, 1, 1.7, 0.6));
      rows.add(row.absent().absent().longs(1, 2, 5, 3));
      for (String at : List.of("align_corners", "asymmetric", "pytorch_half_pixel")) {
        rows.add(row.set("coordinate_transformation_mode", at).absent().absent().longs(1, 2, 6, 7));
      }
    }
    for (String rounding : List.of("round_prefer_ceil", "floor", "ceil")) {
      rows.add(image.set("nearest_mode", rounding).absent().frozen(four, 1, 1, 1.5, 2.5));
    }
    rows.add(old.in(1, 2, 3, 4).frozen(Shape.of(0)).frozen(four, 1, 1, 2, 2));
    rows.add(old.in(1, 2, 3, 4).frozen(Shape.of(0)).frozen(Shape.of(0)).longs(1, 2, 2, 8));
    GradientCase named = op("Resize").inFloat().opsets(18, 20).in(2, 4, 3);
    rows.add(named.ints("axes", 2, 1).absent().frozen(Shape.of(2), 2, 0.5));
    rows.add(
        image
            .opsets(18, 20)
            .set("antialias", 1)
            .set("mode", "linear")
            .absent()
            .frozen(four, 1, 1, 0.5, 0.5));
    return rows;
  }

  private static List<GradientCase> normalizations() {
    List<GradientCase> rows = new ArrayList<>();
    rows.add(op("InstanceNormalization").in(2, 3, 4).in(3).in(3));
    rows.add(op("InstanceNormalization").in(2, 3, 4, 2).in(3).in(3).set("epsilon", 0.1f));
    rows.add(op("InstanceNormalization").in(0, 3, 4).in(3).in(3).shown());
    GradientCase groups = op("GroupNormalization").set("num_groups", 2);
    rows.add(groups.in(2, 4, 3).in(2).in(2).opsets(18, 20));
    rows.add(groups.in(2, 4, 3, 2).in(4).in(4).opsets(21, 22));
    rows.add(groups.in(2, 4).in(4).in(4).opsets(21));
    GradientCase batch = op("BatchNormalization").opsets(11, 14, 20);
    Shape three = Shape.of(3);
    rows.add(batch.in(2, 3).in(3).in(3).frozen(three, 0.1, -0.2, 0.3).frozen(three, 0.5, 1, 2));
    rows.add(batch.in(2, 3, 4).in(3).in(3).frozen(three, 0.1, -0.2, 0.3).frozen(three, 0.5, 1, 2));
    rows.add(
        batch.in(2, 3, 2, 4).in(3).in(3).frozen(three, 0.1, -0.2, 0.3).frozen(three, 0.5, 1, 2));
    rows.add(
        batch
            .in(0, 3, 2)
            .in(3)
            .in(3)
            .frozen(three, 0.1, -0.2, 0.3)
            .frozen(three, 0.5, 1, 2)
            .shown());
    return rows.stream().map(GradientCase::inFloat).toList();
  }

  private static List<GradientCase> blocks() {
    GradientCase apart = op("DepthToSpace").set("blocksize", 2);
    GradientCase together = op("SpaceToDepth").set("blocksize", 2).opsets(11, 13);
    return List.of(
        apart.in(2, 8, 2, 3),
        apart.in(1, 4, 3, 2).set("mode", "DCR"),
        apart.in(2, 8, 2, 3).set("mode", "CRD"),
        apart.in(0, 4, 2, 3).shown(),
        together.in(2, 3, 2, 4),
        together.in(0, 1, 2, 4).shown());
  }
}
