package dev.banyan.server.batch;

import dev.banyan.server.problem.ServerProblem;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the rows that wait and runs them, batch after batch, on one thread of its own. That thread
 * owns the rows and the runner; everybody else only sends it requests.
 *
 * <p>A run starts as soon as the one before is done: while the model is busy the next batch
 * gathers, so batches grow with the load and an idle server answers at once.
 *
 * @param <I> a row
 * @param <O> its answer
 */
public final class RequestQueue<I, O> implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RequestQueue.class);

  private final RowRunner<I, O> runner;
  private final BatchPolicy policy;
  private final BatchListener listener;
  private final BlockingQueue<Message<I, O>> inbox = new LinkedBlockingQueue<>();
  private final Thread owner;
  private boolean closed;

  // The owner thread's own.
  private final List<QueuedRow<I, O>> waiting = new ArrayList<>();
  private Turns turns = Turns.NONE;
  private boolean stopping;

  /** Starts the owner thread. */
  public RequestQueue(RowRunner<I, O> runner, BatchPolicy policy, BatchListener listener) {
    this.runner = runner;
    this.policy = policy;
    this.listener = listener;
    this.owner = Thread.ofPlatform().name("banyan-model").daemon().start(this::serve);
  }

  /**
   * Rows to run, and whether anybody still wants the answers.
   *
   * @param lane whose they are
   * @param rows the rows
   * @param abandoned asked before each run; true once the client has gone
   * @param <I> a row
   */
  public record Request<I>(Lane lane, List<I> rows, BooleanSupplier abandoned) {
    /** Copies the rows. */
    public Request {
      rows = List.copyOf(rows);
    }
  }

  /**
   * Queues rows and returns their answers in the same order. The result fails with what the runner
   * threw for these rows, and is cancelled when the request is found abandoned.
   *
   * @throws ServerProblem.ShuttingDown after {@link #close}
   */
  public CompletableFuture<List<O>> submit(Request<I> request) {
    Pending<I, O> pending = new Pending<>(request);
    if (request.rows().isEmpty()) {
      pending.result.complete(List.of());
      return pending.result;
    }
    synchronized (this) {
      if (closed) {
        throw new ServerProblem.ShuttingDown();
      }
      inbox.add(new Message.Arrived<>(pending));
    }
    return pending.result;
  }

  /** Runs what waits, then ends the owner thread; returns when it has ended. */
  @Override
  public void close() {
    synchronized (this) {
      if (!closed) {
        closed = true;
        inbox.add(new Message.Stop<>());
      }
    }
    boolean interrupted = false;
    while (owner.isAlive()) {
      try {
        owner.join();
      } catch (InterruptedException e) {
        // The owner uses the model's native memory, which is freed after this: leaving it running
        // would be a crash.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve() {
    while (true) {
      takeArrivals();
      waiting.removeIf(row -> row.pending.gone());
      if (waiting.isEmpty() && stopping) {
        return;
      }
      Batch<QueuedRow<I, O>> batch = BatchPlan.next(waiting, turns, policy);
      turns = batch.turns();
      if (!batch.rows().isEmpty()) {
        Set<QueuedRow<I, O>> taken = Collections.newSetFromMap(new IdentityHashMap<>());
        taken.addAll(batch.rows());
        waiting.removeIf(taken::contains);
        run(batch.rows());
      }
    }
  }

  /** Waits for a message if nothing else is to be done, and takes all that are there. */
  private void takeArrivals() {
    List<Message<I, O>> messages = new ArrayList<>();
    if (waiting.isEmpty() && !stopping) {
      try {
        messages.add(inbox.take());
      } catch (InterruptedException e) {
        // Nobody but this class knows the thread; there is no reason to end before Stop.
        return;
      }
    }
    inbox.drainTo(messages);
    for (Message<I, O> message : messages) {
      switch (message) {
        case Message.Arrived<I, O>(Pending<I, O> pending) -> enqueue(pending);
        case Message.Stop<I, O>() -> stopping = true;
      }
    }
  }

  private void enqueue(Pending<I, O> pending) {
    for (int i = 0; i < pending.request.rows().size(); i++) {
      int tokens = runner.tokens(pending.request.rows().get(i));
      waiting.add(new QueuedRow<>(pending, i, tokens));
    }
  }

  private void run(List<QueuedRow<I, O>> rows) {
    Map<Lane, List<QueuedRow<I, O>>> lanes = new LinkedHashMap<>();
    rows.forEach(row -> lanes.computeIfAbsent(row.lane(), key -> new ArrayList<>()).add(row));
    try {
      long start = System.nanoTime();
      List<O> answers = runner.run(rows.stream().map(QueuedRow::row).toList());
      long nanos = System.nanoTime() - start;
      int tokens = rows.stream().mapToInt(QueuedRow::tokens).sum();
      listener.ran(new BatchListener.BatchRun(rows.size(), lanes.size(), tokens, nanos));
      for (int i = 0; i < rows.size(); i++) {
        rows.get(i).pending.answer(rows.get(i).index, answers.get(i));
      }
    } catch (RuntimeException | Error e) {
      if (lanes.size() > 1) {
        log.warn(
            "A batch of {} adapters failed, each runs alone now: {}", lanes.size(), e.toString());
        lanes.values().forEach(this::run);
      } else {
        log.error("A batch of {} failed", rows.getFirst().lane(), e);
        rows.forEach(row -> row.pending.result.completeExceptionally(e));
      }
    }
  }

  private sealed interface Message<I, O> {
    record Arrived<I, O>(Pending<I, O> pending) implements Message<I, O> {}

    record Stop<I, O>() implements Message<I, O> {}
  }

  /** A request some of whose rows wait or run; touched by the owner thread only. */
  private static final class Pending<I, O> {
    private final Request<I> request;
    private final CompletableFuture<List<O>> result = new CompletableFuture<>();
    private final Map<Integer, O> answers = new LinkedHashMap<>();

    Pending(Request<I> request) {
      this.request = request;
    }

    boolean gone() {
      if (!result.isDone() && request.abandoned().getAsBoolean()) {
        result.cancel(false);
      }
      return result.isDone();
    }

    void answer(int index, O answer) {
      answers.put(index, answer);
      if (answers.size() == request.rows().size()) {
        List<O> inOrder = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
          inOrder.add(answers.get(i));
        }
        result.complete(inOrder);
      }
    }
  }

  private static final class QueuedRow<I, O> implements Waiting {
    private final Pending<I, O> pending;
    private final int index;
    private final int tokens;

    QueuedRow(Pending<I, O> pending, int index, int tokens) {
      this.pending = pending;
      this.index = index;
      this.tokens = tokens;
    }

    I row() {
      return pending.request.rows().get(index);
    }

    @Override
    public Lane lane() {
      return pending.request.lane();
    }

    @Override
    public int tokens() {
      return tokens;
    }
  }
}
