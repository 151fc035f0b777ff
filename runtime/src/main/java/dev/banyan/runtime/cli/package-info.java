/**
 * The commands of this module: {@link dev.banyan.runtime.cli.TrainCommand} and {@link
 * dev.banyan.runtime.cli.EvaluateCommand}. They turn flags, or the lines of a file of jobs ({@link
 * dev.banyan.runtime.cli.JobFlags}), into a plan and results into text or JSON; what they throw,
 * the main program turns into an exit code.
 */
@NullMarked
package dev.banyan.runtime.cli;

import org.jspecify.annotations.NullMarked;
