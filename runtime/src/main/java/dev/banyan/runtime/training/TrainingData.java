package dev.banyan.runtime.training;

import dev.banyan.runtime.data.Dataset;
import java.util.Optional;

/**
 * What a run learns from, and what it is judged by.
 *
 * @param train the examples to learn
 * @param eval examples held out; with them the best adapter is kept rather than the last
 */
public record TrainingData(Dataset train, Optional<Dataset> eval) {}
