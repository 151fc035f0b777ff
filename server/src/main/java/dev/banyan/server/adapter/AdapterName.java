package dev.banyan.server.adapter;

import dev.banyan.server.problem.ServerProblem;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name clients use as {@code model}: {@code tenant/name}.
 *
 * @param tenant whose adapter it is
 * @param name its name within the tenant
 */
public record AdapterName(String tenant, String name)
    implements AdapterChoice, Comparable<AdapterName> {
  // Starts with a letter or digit, so that neither part can be "." or "..".
  private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  /**
   * Checks both parts.
   *
   * @throws IllegalArgumentException if a part is no name
   */
  public AdapterName {
    if (!isPart(tenant) || !isPart(name)) {
      throw new IllegalArgumentException("No adapter name: '%s/%s'".formatted(tenant, name));
    }
  }

  /**
   * Reads {@code tenant/name}.
   *
   * @throws ServerProblem.BadRequest if it is something else
   */
  public static AdapterName parse(String text) {
    return read(text)
        .orElseThrow(
            () ->
                new ServerProblem.BadRequest(
                    "'%s' is no adapter name: expected tenant/name, each of up to 64 letters, digits, '.', '_' or '-', starting with a letter or digit."
                        .formatted(text)));
  }

  /** Reads {@code tenant/name}; empty if it is something else. */
  public static Optional<AdapterName> read(String text) {
    int slash = text.indexOf('/');
    if (slash < 0 || !isPart(text.substring(0, slash)) || !isPart(text.substring(slash + 1))) {
      return Optional.empty();
    }
    return Optional.of(new AdapterName(text.substring(0, slash), text.substring(slash + 1)));
  }

  /** True if this can be a tenant or the name of an adapter. */
  static boolean isPart(String text) {
    return PART.matcher(text).matches();
  }

  @Override
  public String lane() {
    return name;
  }

  @Override
  public int compareTo(AdapterName other) {
    return Comparator.comparing(AdapterName::tenant)
        .thenComparing(AdapterName::name)
        .compare(this, other);
  }

  @Override
  public String toString() {
    return tenant + "/" + name;
  }
}
