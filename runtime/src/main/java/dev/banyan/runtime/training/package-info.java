/**
 * Trains one adapter out of a bundle.
 *
 * <pre>{@code
 * TrainingReport report =
 *     new Trainer(Bundle.open(dir), TrainingPlan.defaults(), event -> {})
 *         .train(new TrainingData(Dataset.read(train), Optional.of(Dataset.read(eval))), out);
 * }</pre>
 *
 * <p>{@link dev.banyan.runtime.training.Trainer} holds the loop. {@link
 * dev.banyan.runtime.training.TrainingPlan} is everything a user may choose, {@link
 * dev.banyan.runtime.training.LearningRate} the schedule, {@link
 * dev.banyan.artifacts.bundle.ParameterInitializer} where the parameters start, {@link
 * dev.banyan.runtime.training.TrainingEngine} what computes, {@link
 * dev.banyan.runtime.training.AdapterOutput} what comes out. Who wants to watch hears {@link
 * dev.banyan.runtime.training.TrainingEvent}s.
 *
 * <p>A run is a function of bundle, data and plan: the same three give the same bytes.
 */
@NullMarked
package dev.banyan.runtime.training;

import org.jspecify.annotations.NullMarked;
