package dev.banyan.graph.site;

import dev.banyan.artifacts.tensor.Shape;
import dev.banyan.graph.ir.Model;
import dev.banyan.graph.ir.Node;
import java.util.ArrayList;
import java.util.List;

/** Finds the linear layers of a model. */
public final class SiteDiscovery {
  private SiteDiscovery() {}

  /** The sites of a model in graph order. */
  public static List<Site> of(Model model) {
    List<Site> sites = new ArrayList<>();
    for (Node n : model.graph().nodes()) {
      if ((n.op().is("MatMul") || n.op().is("Gemm")) && n.input(1).isConstant()) {
        Shape s = n.input(1).constant().orElseThrow().shape();
        boolean t = n.intAttribute("transB", 0) == 1;
        String name = n.name();
        String path =
            name.startsWith("/")
                ? name.substring(1, name.lastIndexOf('/')).replace('/', '.')
                : name;
        sites.add(new Site(path, n, s.dim(t ? 1 : 0), s.dim(t ? 0 : 1)));
      }
    }
    return sites;
  }
}
