package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.runtime.ort.InferenceSession;
import dev.banyan.runtime.ort.SessionSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Trains several adapters together over one loaded base: in each step every job brings its next
 * batch, and one forward and backward pass is made over the rows of all of them. All else is each
 * job's own, as in a run by {@link Trainer}, to whose adapter its own is equal up to rounding.
 *
 * <pre>{@code
 * List<JobResult> results = new GangTrainer(bundle, 8, SessionSettings.defaults()).train(jobs, result -> {});
 * }</pre>
 */
public final class GangTrainer {
  private final Bundle bundle;
  private final int together;
  private final SessionSettings settings;

  /**
   * A trainer over a bundle.
   *
   * @param together most jobs at the same time; a job that ends makes room for the next one
   * @throws IllegalArgumentException if it is not at least 1
   * @throws TrainingFailure.NoGang if the bundle's adapters cannot be trained together
   */
  public GangTrainer(Bundle bundle, int together, SessionSettings settings) {
    Require.that(together >= 1, "together", together, "1 or more");
    if (!bundle.has(Bundle.GANG_GRADIENT_MODEL)) {
      throw new TrainingFailure.NoGang(bundle.dir(), bundle.manifest().task());
    }
    this.bundle = bundle;
    this.together = together;
    this.settings = settings;
  }

  /**
   * Trains all jobs. One that fails does not stop the others.
   *
   * @param ended hears at once how a job has ended, on a thread of that job
   * @return how each of them ended, in their order
   */
  public List<JobResult> train(List<TrainingJob> jobs, Consumer<JobResult> ended) {
    int seats = Math.min(together, jobs.size());
    try (GangEngine engine = GangEngine.open(bundle, settings);
        InferenceSession eval = InferenceSession.open(bundle.file(Bundle.EVAL_MODEL), settings);
        ExecutorService threads = Executors.newFixedThreadPool(Math.max(1, seats))) {
      GangMember.Shared shared = new GangMember.Shared(new Gang(engine, seats), eval);
      Queue queue = new Queue(jobs);
      List<Future<?>> working = new ArrayList<>();
      for (int seat = 0; seat < seats; seat++) {
        working.add(threads.submit(() -> work(queue, shared, ended)));
      }
      working.forEach(GangTrainer::await);
      return queue.results();
    }
  }

  /** The jobs that are still to be begun, and the results of those that have ended. */
  private static final class Queue {
    private final List<TrainingJob> jobs;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final JobResult[] results;

    Queue(List<TrainingJob> jobs) {
      this.jobs = jobs;
      this.results = new JobResult[jobs.size()];
    }

    /** The place of the next job; behind the last if there is none to be begun. */
    int next() {
      return closed.get() ? jobs.size() : next.getAndIncrement();
    }

    /** No further job is begun. */
    void close() {
      closed.set(true);
    }

    List<JobResult> results() {
      return List.of(results);
    }
  }

  private void work(Queue queue, GangMember.Shared shared, Consumer<JobResult> ended) {
    try {
      for (int job = queue.next(); job < queue.jobs.size(); job = queue.next()) {
        JobResult result = train(queue, job, shared);
        queue.results[job] = result;
        ended.accept(result);
      }
    } finally {
      shared.gang().leave();
    }
  }

  private JobResult train(Queue queue, int index, GangMember.Shared shared) {
    TrainingJob job = queue.jobs.get(index);
    EngineSource engines = (start, _, padId) -> new GangMember(index, shared, start, padId);
    TrainingListener listener =
        event -> {
          job.listener().on(event);
          if (event instanceof TrainingEvent.Interrupted) {
            // The process ends and this thread never comes back; others still save their states.
            queue.close();
            shared.gang().leave();
          }
        };
    // What is kept below the adapters is of no use: the others' rows pass through there anyway.
    Compute compute = job.plan().compute().withPrefixCacheMib(0);
    double dropout = job.plan().adapter().dropout();
    try {
      Require.that(dropout == 0, "lora-dropout", dropout, "0 for jobs; train it alone with --data");
      Trainer trainer = new Trainer(bundle, job.plan().with(compute), listener, engines);
      return new JobResult.Trained(job, trainer.train(job.data().get(), job.place()));
    } catch (RuntimeException e) {
      return new JobResult.Failed(job, e);
    }
  }

  private static void await(Future<?> work) {
    try {
      Object _ = work.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Nothing interrupts a gang", e);
    }
  }
}
