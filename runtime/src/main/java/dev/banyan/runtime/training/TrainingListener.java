package dev.banyan.runtime.training;

/** Hears what happens during a run, on the thread that trains. */
@FunctionalInterface
public interface TrainingListener {
  /** Called once for each event. */
  void on(TrainingEvent event);
}
