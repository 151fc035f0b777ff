package dev.banyan.runtime.training;

import dev.banyan.artifacts.bundle.Bundle;
import dev.banyan.artifacts.checkpoint.Checkpoint;
import dev.banyan.runtime.ort.SessionSettings;

/**
 * What an engine starts from.
 *
 * @param bundle has the graphs
 * @param checkpoint the parameters, and the optimizer's state where a run goes on
 * @param adamW how to update
 * @param abovePrefix whether the feeds have what is below the lowest adapter
 * @param evaluates whether the eval graph will be run, which loads one graph more
 * @param session where and how to compute
 */
record TrainingStart(
    Bundle bundle,
    Checkpoint checkpoint,
    AdamW adamW,
    boolean abovePrefix,
    boolean evaluates,
    SessionSettings session) {}
