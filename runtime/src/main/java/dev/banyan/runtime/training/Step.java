package dev.banyan.runtime.training;

/**
 * One update of the parameters.
 *
 * @param number from 1
 * @param epoch from 1
 * @param rate step size
 */
record Step(int number, int epoch, double rate) {}
