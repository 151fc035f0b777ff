package dev.banyan.server.batch;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * In which order tenants, and the lanes of a tenant, lead a batch: who has led goes to the end, and
 * so does who begins to wait.
 *
 * <p>A tenant therefore leads after at most as many batches as there are tenants waiting, whatever
 * the others send and however often they come and go.
 *
 * @param tenants waiting tenants, the next leader first
 * @param lanes waiting lanes of all tenants; a tenant's next one stands before its others
 */
public record Turns(List<String> tenants, List<Lane> lanes) {
  /** Nobody has waited yet. */
  public static final Turns NONE = new Turns(List.of(), List.of());

  /** Copies the lists. */
  public Turns {
    tenants = List.copyOf(tenants);
    lanes = List.copyOf(lanes);
  }

  /**
   * The same order among those that still wait; newcomers come last, in the order of their rows.
   */
  Turns among(List<? extends Waiting> waiting) {
    SequencedSet<String> presentTenants = new LinkedHashSet<>();
    SequencedSet<Lane> presentLanes = new LinkedHashSet<>();
    for (Waiting row : waiting) {
      presentTenants.add(row.lane().tenant());
      presentLanes.add(row.lane());
    }
    return new Turns(inOrder(tenants, presentTenants), inOrder(lanes, presentLanes));
  }

  /** The lane that leads now; there must be one. */
  Lane leader() {
    String tenant = tenants.getFirst();
    return lanes.stream().filter(lane -> lane.tenant().equals(tenant)).findFirst().orElseThrow();
  }

  /** The order after this lane has led. */
  Turns afterLeading(Lane lane) {
    return new Turns(toTheEnd(tenants, lane.tenant()), toTheEnd(lanes, lane));
  }

  private static <T> List<T> inOrder(List<T> order, SequencedSet<T> present) {
    SequencedSet<T> result = new LinkedHashSet<>(order);
    result.retainAll(present);
    result.addAll(present);
    return List.copyOf(result);
  }

  private static <T> List<T> toTheEnd(List<T> order, T moved) {
    List<T> result = new ArrayList<>(order);
    result.remove(moved);
    result.add(moved);
    return result;
  }
}
