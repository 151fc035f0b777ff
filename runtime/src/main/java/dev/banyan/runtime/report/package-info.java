/**
 * What a run leaves behind for people and programs: {@link dev.banyan.runtime.report.LossChart} to
 * look at, {@link dev.banyan.runtime.report.JsonOutput} to parse, {@link
 * dev.banyan.runtime.report.Score} for how well examples are answered, {@link
 * dev.banyan.runtime.report.ProcessStats} about the process itself.
 */
@NullMarked
package dev.banyan.runtime.report;

import org.jspecify.annotations.NullMarked;
