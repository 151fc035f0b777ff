package dev.banyan.server.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.banyan.server.problem.ServerProblem;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RequestQueueTest {
  /** Answers a text with its length; the first run waits for {@link #go}. */
  private static final class Lengths implements RowRunner<String, Integer> {
    private final CountDownLatch started = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final List<List<String>> batches = Collections.synchronizedList(new ArrayList<>());
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    @Override
    public int tokens(String row) {
      return row.length();
    }

    @Override
    public List<Integer> run(List<String> rows) {
      threads.add(Thread.currentThread());
      batches.add(List.copyOf(rows));
      started.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      if (rows.contains("poison")) {
        throw new IllegalArgumentException("poison");
      }
      return rows.stream().map(String::length).toList();
    }
  }

  private final Lengths model = new Lengths();
  private final List<BatchListener.BatchRun> runs = Collections.synchronizedList(new ArrayList<>());
  private final RequestQueue<String, Integer> queue =
      new RequestQueue<>(model, BatchPolicy.defaults(), runs::add);

  @AfterEach
  void end() {
    model.go.countDown();
    queue.close();
  }

  private CompletableFuture<List<Integer>> submit(String tenant, String... rows) {
    return queue.submit(
        new RequestQueue.Request<>(new Lane(tenant, "x"), List.of(rows), () -> false));
  }

  /** Keeps the model busy until {@code go}. */
  @CanIgnoreReturnValue
  private CompletableFuture<List<Integer>> occupy() throws InterruptedException {
    CompletableFuture<List<Integer>> first = submit("first", "first");
    model.started.await();
    return first;
  }

  @Test
  void answersComeInTheOrderOfTheRows() {
    model.go.countDown();

    assertThat(submit("a", "one", "three", "eleven").join()).containsExactly(3, 5, 6);
  }

  @Test
  void rowsThatArriveDuringARunGoTogether() throws InterruptedException {
    CompletableFuture<List<Integer>> first = occupy();
    CompletableFuture<List<Integer>> second = submit("a", "ab");
    CompletableFuture<List<Integer>> third = submit("b", "abc", "abcd");
    model.go.countDown();

    assertThat(second.join()).containsExactly(2);
    assertThat(third.join()).containsExactly(3, 4);
    assertThat(first.join()).containsExactly(5);
    assertThat(model.batches.get(1)).containsExactlyInAnyOrder("ab", "abc", "abcd");
    queue.close();
    assertThat(runs.get(1).rows()).isEqualTo(3);
    assertThat(runs.get(1).lanes()).isEqualTo(2);
    assertThat(runs.get(1).tokens()).isEqualTo(9);
  }

  @Test
  void oneThreadRunsTheModel() throws InterruptedException {
    occupy();
    List<CompletableFuture<List<Integer>>> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      answers.add(submit("tenant-" + i % 7, "x".repeat(1 + i % 90)));
    }
    model.go.countDown();
    for (int i = 0; i < 200; i++) {
      assertThat(answers.get(i).join()).containsExactly(1 + i % 90);
    }

    assertThat(model.threads).hasSize(1);
  }

  @Test
  void rowsOfADisconnectedClientAreSkipped() throws InterruptedException {
    occupy();
    AtomicBoolean gone = new AtomicBoolean();
    CompletableFuture<List<Integer>> abandoned =
        queue.submit(
            new RequestQueue.Request<>(new Lane("a", "x"), List.of("abandoned"), gone::get));
    CompletableFuture<List<Integer>> other = submit("b", "other");
    gone.set(true);
    model.go.countDown();

    assertThat(other.join()).containsExactly(5);
    assertThat(abandoned).isCancelled();
    assertThat(model.batches).noneMatch(batch -> batch.contains("abandoned"));
  }

  @Test
  void rowsThatMakeTheModelFailDoNotFailOtherAdapters() throws InterruptedException {
    occupy();
    CompletableFuture<List<Integer>> good = submit("good", "good");
    CompletableFuture<List<Integer>> bad = submit("bad", "poison");
    model.go.countDown();

    assertThat(good.join()).containsExactly(4);
    assertThatThrownBy(bad::join).hasRootCauseMessage("poison");
    assertThat(submit("later", "later").join()).containsExactly(5);
  }

  @Test
  void closingFinishesWhatWaitsAndRefusesMore() throws InterruptedException {
    occupy();
    CompletableFuture<List<Integer>> waiting = submit("a", "ab");
    Thread closing = Thread.ofVirtual().start(queue::close);
    model.go.countDown();
    closing.join();

    assertThat(waiting).isCompletedWithValue(List.of(2));
    assertThatThrownBy(() -> submit("a", "late")).isInstanceOf(ServerProblem.ShuttingDown.class);
  }
}
