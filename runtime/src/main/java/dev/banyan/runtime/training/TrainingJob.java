package dev.banyan.runtime.training;

import java.util.function.Supplier;

/**
 * One run of several that are done together.
 *
 * @param name how it is called where all of them are shown
 * @param plan everything else that is chosen about it
 * @param data reads its examples, on a thread of the job's own
 * @param place where its adapter goes
 * @param listener hears what happens in it, on a thread of the job's own
 */
public record TrainingJob(
    String name,
    TrainingPlan plan,
    Supplier<TrainingData> data,
    RunPlace place,
    TrainingListener listener) {}
