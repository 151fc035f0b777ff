/**
 * Trains one adapter out of a bundle.
 *
 * <pre>{@code
 * TrainingReport report =
 *     new Trainer(Bundle.open(dir), TrainingPlan.defaults(), event -> {})
 *         .train(new TrainingData(Dataset.read(train), Optional.of(Dataset.read(eval))), out);
 * }</pre>
 *
 * <p>{@link dev.banyan.runtime.training.Trainer} puts a run together, {@link
 * dev.banyan.runtime.training.TrainingLoop} goes through it step by step: {@link
 * dev.banyan.runtime.training.Learner} learns, {@link dev.banyan.runtime.training.Keeper} judges
 * and keeps, {@link dev.banyan.runtime.training.StateSaver} saves what an interrupted run goes on
 * from ({@link dev.banyan.runtime.training.RunState}, in a {@link
 * dev.banyan.runtime.training.StateFolder}). {@link dev.banyan.runtime.training.TrainingPlan} is
 * everything a user may choose, {@link dev.banyan.runtime.training.LearningRate} the schedule,
 * {@link dev.banyan.artifacts.bundle.ParameterInitializer} where the parameters start, {@link
 * dev.banyan.runtime.training.TrainingEngine} what computes, {@link
 * dev.banyan.runtime.training.AdapterOutput} what comes out. Who wants to watch hears {@link
 * dev.banyan.runtime.training.TrainingEvent}s.
 *
 * <p>{@link dev.banyan.runtime.training.GangTrainer} trains several adapters together: each is a
 * run by a {@link dev.banyan.runtime.training.Trainer} of its own, whose engine leaves the
 * gradients to a {@link dev.banyan.runtime.training.GangEngine} that all share.
 *
 * <p>A run is a function of bundle, data and plan: the same three give the same bytes, also if it
 * was interrupted in between. {@link dev.banyan.runtime.training.RunIdentity} tells two runs apart.
 */
@NullMarked
package dev.banyan.runtime.training;

import org.jspecify.annotations.NullMarked;
