/**
 * Puts the rows of many requests into few runs of the model.
 *
 * <p>The flow: {@link dev.banyan.server.batch.Admission} lets a request in or refuses it, {@link
 * dev.banyan.server.batch.RequestQueue} holds its rows, {@link dev.banyan.server.batch.BatchPlan}
 * picks the next batch, and a {@link dev.banyan.server.batch.RowRunner} runs it. The plan is a pure
 * function: no thread, no clock, so that every promise about fairness is a plain test. The queue
 * has one owner thread, which is the only one that plans and the only one that runs the model.
 *
 * <p>A row here is something with a {@linkplain dev.banyan.server.batch.Lane lane} and a cost in
 * tokens. What it holds is the runner's business.
 */
@NullMarked
package dev.banyan.server.batch;

import org.jspecify.annotations.NullMarked;
