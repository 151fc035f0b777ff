package dev.banyan.runtime.inference;

import dev.banyan.artifacts.bundle.BaseValues;
import dev.banyan.artifacts.bundle.Initializer;
import dev.banyan.artifacts.bundle.MethodName;
import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.artifacts.bundle.Role;
import dev.banyan.artifacts.tensor.Tensor;
import dev.banyan.runtime.base.BaseLayers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What DoRA makes of the outputs of its layers: the factor {@code m / n} less one, where m is the
 * adapter's magnitude and n the length of the column of the base's weight with the adapter's
 * product. It is computed when an adapter is loaded, so that serving needs no weight for it.
 *
 * @param base has the lengths of the base's own columns
 * @param layers multiply by the base's weights
 */
record DoraGains(BaseValues base, BaseLayers layers) {
  /**
   * One layer of an adapter.
   *
   * @param magnitude the parameter
   * @param a {@code [in, rank]}
   * @param b {@code [rank, out]}, with the scaling in it
   * @param m {@code [out]}
   */
  private record Site(ParameterSpec magnitude, Tensor a, Tensor b, Tensor m) {
    static Site of(ParameterSpec magnitude, Map<String, Tensor> tensors) {
      String path = magnitude.site();
      return new Site(
          magnitude,
          Objects.requireNonNull(tensors.get(path + ".dora_A")),
          Objects.requireNonNull(tensors.get(path + ".dora_B")),
          Objects.requireNonNull(tensors.get(magnitude.name())));
    }
  }

  /** Whether a parameter is a magnitude. */
  static boolean isMagnitude(ParameterSpec spec) {
    return spec.method().filter(method -> method == MethodName.DORA).isPresent()
        && spec.init() == Initializer.BASE_NORM
        && spec.role() == Role.TRAINED;
  }

  /**
   * The factors, by the name of the bank that holds them.
   *
   * @param magnitudes the parameters of the adapter that are magnitudes
   * @param tensors the adapter, by parameter name, with the scaling in it
   */
  Map<String, Tensor> of(List<ParameterSpec> magnitudes, Map<String, Tensor> tensors) {
    List<Site> sites = new ArrayList<>();
    Map<String, Tensor> rows = new HashMap<>();
    for (ParameterSpec magnitude : magnitudes) {
      Site site = Site.of(magnitude, tensors);
      sites.add(site);
      rows.put(magnitude.site(), site.a().transposed());
    }
    Map<String, Tensor> products = layers.products(rows);
    Map<String, Tensor> gains = new HashMap<>();
    for (Site site : sites) {
      Tensor product = Objects.requireNonNull(products.get(site.magnitude().site()));
      gains.put(site.magnitude().bankName(), gain(site, product));
    }
    return gains;
  }

  /**
   * The factor less one.
   *
   * @param product {@code A'W}, {@code [rank, out]}
   */
  private Tensor gain(Site site, Tensor product) {
    float[] own = base.of(site.magnitude()).floats();
    float[] m = site.m().floats();
    double[] more = more(site, product.floats(), m.length);
    float[] gain = new float[m.length];
    for (int i = 0; i < gain.length; i++) {
      double length = Math.sqrt(Math.max(0, (double) own[i] * own[i] + more[i]));
      gain[i] = length == 0 ? 0 : (float) (m[i] / length - 1);
    }
    return Tensor.ofFloats(site.magnitude().bankName(), site.m().shape(), gain);
  }

  /** By how much the squares of the lengths are larger than the base's. */
  private static double[] more(Site site, float[] product, int out) {
    int rank = Math.toIntExact(site.b().shape().dim(0));
    float[] b = site.b().floats();
    double[] gram = gram(site.a().floats(), rank);
    double[] more = new double[out];
    for (int i = 0; i < rank; i++) {
      for (int o = 0; o < out; o++) {
        double sum = 2.0 * product[i * out + o];
        for (int k = 0; k < rank; k++) {
          sum += gram[i * rank + k] * b[k * out + o];
        }
        more[o] += sum * b[i * out + o];
      }
    }
    return more;
  }

  /** {@code A'A}. */
  private static double[] gram(float[] a, int rank) {
    double[] gram = new double[rank * rank];
    for (int row = 0; row < a.length / rank; row++) {
      for (int i = 0; i < rank; i++) {
        for (int k = 0; k < rank; k++) {
          gram[i * rank + k] += (double) a[row * rank + i] * a[row * rank + k];
        }
      }
    }
    return gram;
  }
}
