/**
 * Reverse-mode differentiation: adds the nodes that compute the gradient of a loss to the graph
 * that computes the loss.
 *
 * <ul>
 *   <li>{@link dev.banyan.graph.autodiff.Differentiate}: the driver. It finds the nodes between the
 *       trainable parameters and the loss, visits them from the loss down, applies one rule to
 *       each, and adds up what several uses of a value contribute.
 *   <li>{@link dev.banyan.graph.autodiff.GradientRules}: a table with one row an operator. Tables
 *       add up with {@code plus}; a later table overrides rows of an earlier one.
 *   <li>{@link dev.banyan.graph.autodiff.GradientRule}: one row. For each input it states a formula
 *       or that no gradient flows there.
 *   <li>{@link dev.banyan.graph.autodiff.GradientContext}: what a formula sees: the forward node's
 *       inputs and outputs, the gradient of its output, and {@link
 *       dev.banyan.graph.autodiff.GradientNodes} to build with.
 *   <li>The tables by family: {@link dev.banyan.graph.autodiff.ElementwiseGradients}, {@link
 *       dev.banyan.graph.autodiff.ActivationGradients}, {@link
 *       dev.banyan.graph.autodiff.MatMulGradients}, {@link
 *       dev.banyan.graph.autodiff.EinsumGradients}, {@link
 *       dev.banyan.graph.autodiff.ShapeGradients}, {@link dev.banyan.graph.autodiff.PadGradients},
 *       {@link dev.banyan.graph.autodiff.IndexGradients}, {@link
 *       dev.banyan.graph.autodiff.ScatterGradients}, {@link
 *       dev.banyan.graph.autodiff.ReductionGradients}, {@link
 *       dev.banyan.graph.autodiff.ConvolutionGradients}, {@link
 *       dev.banyan.graph.autodiff.PoolingGradients}, {@link
 *       dev.banyan.graph.autodiff.ResizeGradients}, {@link
 *       dev.banyan.graph.autodiff.NormalizationGradients}, {@link
 *       dev.banyan.graph.autodiff.ChannelNormalizationGradients}, {@link
 *       dev.banyan.graph.autodiff.LossGradients}.
 *   <li>Two tables that override rows: {@link dev.banyan.graph.autodiff.OrtGradients} with what
 *       ONNX Runtime does faster than plain ONNX, and {@link
 *       dev.banyan.graph.autodiff.OrtTrainingKernels} with what only its training build has.
 * </ul>
 *
 * <p>Formulas are written for the operator set version of the model at hand, from 11 on, and for
 * every floating-point type. Summing over broadcast axes is no rule's business: the driver does it.
 * How to add an operator is told in {@code docs/add-an-op.md}.
 */
@NullMarked
package dev.banyan.graph.autodiff;

import org.jspecify.annotations.NullMarked;
