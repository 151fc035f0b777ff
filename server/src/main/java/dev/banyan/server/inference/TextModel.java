package dev.banyan.server.inference;

import dev.banyan.artifacts.integrity.Digest;
import dev.banyan.runtime.data.Encoding;
import dev.banyan.server.adapter.AdapterSource;
import dev.banyan.server.adapter.MixtureSource;
import dev.banyan.server.batch.RowRunner;
import java.util.List;

/** The base model with its bank of adapters, as the server sees it. */
public interface TextModel
    extends RowRunner<ModelRow, RowAnswer>, AdapterSource, MixtureSource, AutoCloseable {
  /** The name under which clients ask for the bare base. */
  String name();

  /** Identity of the base. */
  Digest digest();

  /** The tokens of each text, cut to the model's length; called by any thread. */
  List<Encoding> encode(List<String> texts);

  @Override
  default int tokens(ModelRow row) {
    return row.encoding().ids().length;
  }

  /** Frees the model; nothing may run any more. */
  @Override
  void close();
}
