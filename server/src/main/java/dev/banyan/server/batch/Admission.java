package dev.banyan.server.batch;

import dev.banyan.server.problem.ServerProblem;
import java.util.HashMap;
import java.util.Map;

/**
 * Bounds how many rows wait or run at once: in all, and for one tenant, so that a tenant that
 * floods the server is refused while the others are still let in.
 *
 * <pre>{@code
 * try (Admission.Ticket ticket = admission.enter("acme", 3)) {
 *   ... // answer three rows
 * }
 * }</pre>
 */
public final class Admission {
  /**
   * How many rows may be in the server.
   *
   * @param rows of all tenants together
   * @param tenantRows of one tenant
   */
  public record Limits(int rows, int tenantRows) {
    /** 4096 rows, 1024 of one tenant. */
    public static Limits defaults() {
      return new Limits(4096, 1024);
    }
  }

  private final Limits limits;
  private final Map<String, Integer> tenants = new HashMap<>();
  private int rows;
  private double nanosPerRow;

  /** Nothing is admitted yet. */
  public Admission(Limits limits) {
    this.limits = limits;
  }

  /**
   * Lets this many rows in.
   *
   * @throws ServerProblem.Overloaded if that would exceed a limit; says when to try again
   */
  public synchronized Ticket enter(String tenant, int count) {
    int ofTenant = tenants.getOrDefault(tenant, 0);
    if (rows + count > limits.rows()) {
      throw overloaded("%d rows wait".formatted(rows), count, limits.rows(), rows);
    }
    if (ofTenant + count > limits.tenantRows()) {
      throw overloaded(
          "%d rows of %s wait".formatted(ofTenant, tenant), count, limits.tenantRows(), ofTenant);
    }
    rows += count;
    tenants.merge(tenant, count, Integer::sum);
    return new Ticket(tenant, count);
  }

  private ServerProblem.Overloaded overloaded(String seen, int count, int limit, int ahead) {
    long seconds = Math.clamp((long) Math.ceil(ahead * nanosPerRow / 1e9), 1, 60);
    return new ServerProblem.Overloaded(
        "%s, %d more would exceed the limit of %d. Try again in %d s or send fewer at once."
            .formatted(seen, count, limit, seconds),
        seconds);
  }

  /** Takes note of a run, to say how long the rows that wait may take. */
  public synchronized void ran(BatchListener.BatchRun run) {
    double seen = (double) run.nanos() / run.rows();
    nanosPerRow = nanosPerRow == 0 ? seen : 0.9 * nanosPerRow + 0.1 * seen;
  }

  /** Rows that wait or run now. */
  public synchronized int rows() {
    return rows;
  }

  private synchronized void leave(String tenant, int count) {
    rows -= count;
    tenants.computeIfPresent(tenant, (key, held) -> held == count ? null : held - count);
  }

  /** The place of admitted rows; closing it, once or more, gives the place back. */
  public final class Ticket implements AutoCloseable {
    private final String tenant;
    private int count;

    private Ticket(String tenant, int count) {
      this.tenant = tenant;
      this.count = count;
    }

    @Override
    public void close() {
      synchronized (Admission.this) {
        if (count > 0) {
          leave(tenant, count);
        }
        count = 0;
      }
    }
  }
}
