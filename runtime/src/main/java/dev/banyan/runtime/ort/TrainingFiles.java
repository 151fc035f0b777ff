package dev.banyan.runtime.ort;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The files ORT trains from.
 *
 * @param checkpoint the parameters to start from
 * @param trainingModel the graph of loss and gradients
 * @param optimizerModel the graph of the update
 * @param evalModel the graph of the loss alone; without it {@code evalStep} is not available and
 *     the frozen weights are not loaded a second time
 */
public record TrainingFiles(
    Path checkpoint, Path trainingModel, Path optimizerModel, Optional<Path> evalModel) {}
