package dev.banyan.graph.adapter;

import dev.banyan.artifacts.tensor.DType;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Dim;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.TensorType;
import dev.banyan.graph.ir.Value;
import dev.banyan.graph.site.Site;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LoRA's dropout: in training an adapter reads its site's input with some elements set to zero,
 * while the layer itself reads all of them.
 *
 * <p>Which ones is a graph input of each site, so that it is the caller who draws them and a run
 * can be repeated on any device. What makes up for the dropped, {@code 1 / (1 - p)}, is the
 * caller's too: all that an adapter makes of its input is linear, and goes into the scaling.
 */
public final class Dropout {
  /** Behind a site's path in the name of its mask. */
  public static final String MASK = ".lora_dropout";

  /** Input of graphs with a method that wants to know it: what makes up for the dropped. */
  static final String COMPENSATION = "lora_dropout_compensation";

  private final Map<Site, Value> masks;
  private final Value compensation;

  private Dropout(Map<Site, Value> masks, Value compensation) {
    this.masks = masks;
    this.compensation = compensation;
  }

  /** Nothing is dropped, and the graph has no masks. */
  public static Dropout none() {
    return new Dropout(Map.of(), Value.NONE);
  }

  /**
   * Adds a mask for each site to the inputs of a graph: bool {@code [batch, sequence, in]}, false
   * where an element is dropped. A site that reads fewer elements takes the first.
   *
   * @param told whether what makes up for the dropped is an input too, float scalar
   */
  public static Dropout at(List<Site> sites, Graph graph, boolean told) {
    Map<Site, Value> masks = new LinkedHashMap<>();
    for (Site site : sites) {
      masks.put(site, graph.addInput(site.path() + MASK, type(site)));
    }
    Value compensation =
        told ? graph.addInput(COMPENSATION, TensorType.of(DType.FLOAT)) : Value.NONE;
    return new Dropout(masks, compensation);
  }

  /** What makes up for the dropped: float scalar, or none. */
  Value compensation() {
    return compensation;
  }

  private static TensorType type(Site site) {
    return new TensorType(
        DType.BOOL, List.of(Dim.of("batch"), Dim.of("sequence"), Dim.of(site.inFeatures())));
  }

  /** The site's input, or what is left of it. */
  Value of(Site site, GraphBuilder builder) {
    Value mask = masks.get(site);
    if (mask == null) {
      return site.input();
    }
    // A product is three times as fast as Where, which ONNX Runtime makes of three passes.
    Value kept = shaped(mask, site, builder.in("dropout"));
    Attribute to = Attribute.of((long) site.input().knownType().dtype().onnxCode());
    Value factor = builder.in("dropout").op("Cast", Map.of("to", to), kept);
    return builder.in("dropout").op("Mul", site.input(), factor);
  }

  /**
   * The mask in the shape of the site's input, which may be flat, or have one row for each text.
   */
  private static Value shaped(Value mask, Site site, GraphBuilder builder) {
    Value input = site.input();
    if (input.knownType().dims().equals(type(site).dims())) {
      return mask;
    }
    Value flat = builder.op("Reshape", mask, builder.longs(-1));
    Value size = builder.op("Reshape", builder.op("Size", input), builder.longs(1));
    Value first = builder.op("Slice", flat, builder.longs(0), size, builder.longs(0));
    return builder.op("Reshape", first, builder.op("Shape", input));
  }
}
