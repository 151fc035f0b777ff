package dev.banyan.server.inference;

import dev.banyan.artifacts.bundle.Task;
import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.server.adapter.AdapterChoice;
import dev.banyan.server.adapter.AdapterName;
import dev.banyan.server.adapter.Lease;
import dev.banyan.server.adapter.Mixture;
import dev.banyan.server.adapter.Resident;
import dev.banyan.server.adapter.ServedAdapters;
import dev.banyan.server.batch.Admission;
import dev.banyan.server.batch.Lane;
import dev.banyan.server.batch.RequestQueue;
import dev.banyan.server.problem.ServerProblem;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * The path of a query: admitted, its adapter acquired, its texts tokenized, its rows queued and
 * run.
 *
 * <p>Everything here may wait, so it is called on a thread of the request's own, never on an event
 * loop.
 */
public final class Inference {
  private static final String NO_TENANT = "";

  private final TextModel model;
  private final ServedAdapters adapters;
  private final Admission admission;
  private final RequestQueue<ModelRow, RowAnswer> queue;

  /** Puts the parts in a row. */
  public Inference(
      TextModel model,
      ServedAdapters adapters,
      Admission admission,
      RequestQueue<ModelRow, RowAnswer> queue) {
    this.model = model;
    this.adapters = adapters;
    this.admission = admission;
    this.queue = queue;
  }

  /**
   * Labels by the head of an adapter: the answer has labels and logits.
   *
   * @throws ServerProblem if the query is refused; {@link ServerProblem.BadRequest} also if the
   *     model has no labels
   * @throws java.util.concurrent.CancellationException if the query was abandoned
   */
  public Answer classify(Query query) {
    if (isBase(query)) {
      throw new ServerProblem.BadRequest(
          "The base '%s' has no labels: name an adapter, as tenant/name."
              .formatted(query.wanted()));
    }
    return withAdapter(query, true);
  }

  /**
   * Embeddings by the base or an adapter.
   *
   * @throws ServerProblem if the query is refused
   * @throws java.util.concurrent.CancellationException if the query was abandoned
   */
  public Answer embed(Query query) {
    if (!isBase(query)) {
      return withAdapter(query, false);
    }
    Lane lane = new Lane(NO_TENANT, model.name());
    try (Admission.Ticket _ = admission.enter(NO_TENANT, query.texts().size())) {
      return run(query, lane, new Served(0, model.digest(), Task.EMBEDDING, List.of()));
    }
  }

  private Answer withAdapter(Query query, boolean classify) {
    AdapterChoice choice = choice(query.wanted());
    Lane lane = new Lane(choice.tenant(), choice.lane());
    try (Admission.Ticket _ = admission.enter(choice.tenant(), query.texts().size());
        Lease lease = adapters.acquire(choice)) {
      List<String> labels = lease.adapter().labels();
      if (classify && labels.isEmpty()) {
        throw new ServerProblem.BadRequest(
            "Adapter '%s' has no labels: it was trained for embeddings.".formatted(choice));
      }
      List<String> wanted = classify ? labels : List.of();
      return run(query, lane, Served.by(lease.adapter(), wanted));
    }
  }

  private AdapterChoice choice(Wanted wanted) {
    return switch (wanted) {
      case Wanted.Model(String name) -> AdapterName.read(name).orElseThrow(() -> unknown(name));
      case Wanted.Mixed(Mixture mixture) -> mixture;
    };
  }

  private record Served(int slot, Digest digest, Task task, List<String> labels) {
    static Served by(Resident adapter, List<String> labels) {
      return new Served(adapter.slot(), adapter.digest(), adapter.task(), labels);
    }
  }

  private Answer run(Query query, Lane lane, Served served) {
    List<Encoding> encodings = model.encode(query.texts());
    List<ModelRow> rows =
        encodings.stream()
            .map(encoding -> new ModelRow(encoding, served.slot(), served.labels().size()))
            .toList();
    try {
      List<RowAnswer> answers =
          queue.submit(new RequestQueue.Request<>(lane, rows, query.abandoned())).join();
      int tokens = rows.stream().mapToInt(model::tokens).sum();
      return new Answer(served.digest(), served.task(), served.labels(), answers, tokens);
    } catch (CompletionException e) {
      throw new ModelFailure(e.getCause() == null ? e : e.getCause());
    }
  }

  private boolean isBase(Query query) {
    return query.wanted() instanceof Wanted.Model(String name) && name.equals(model.name());
  }

  private ServerProblem.UnknownModel unknown(String text) {
    return new ServerProblem.UnknownModel(
        "There is no model '%s': expected tenant/name of an adapter, or '%s' for the base."
            .formatted(text, model.name()));
  }

  /** The model failed on rows that it should have taken: a defect, not the client's fault. */
  public static final class ModelFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    ModelFailure(Throwable cause) {
      super("The model failed: " + cause.getMessage(), cause);
    }
  }
}
