package dev.banyan.artifacts.onnx;

/**
 * Where a tensor's bytes lie beside the model.
 *
 * @param file name of the data file, relative to the model's folder
 * @param offset first byte
 * @param length number of bytes
 */
public record ExternalLocation(String file, long offset, long length) {}
