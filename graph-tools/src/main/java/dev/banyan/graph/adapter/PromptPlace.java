package dev.banyan.graph.adapter;

import static dev.banyan.graph.adapter.TextColumns.concat;
import static dev.banyan.graph.adapter.TextColumns.largest;
import static dev.banyan.graph.adapter.TextColumns.number;
import static dev.banyan.graph.adapter.TextColumns.range;
import static dev.banyan.graph.adapter.TextColumns.size;
import static dev.banyan.graph.adapter.TextColumns.within;

import dev.banyan.artifacts.bundle.ParameterSpec;
import dev.banyan.graph.adapter.TextColumns.Alike;
import dev.banyan.graph.adapter.TextColumns.ByText;
import dev.banyan.graph.ir.Attribute;
import dev.banyan.graph.ir.Graph;
import dev.banyan.graph.ir.GraphBuilder;
import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A soft prompt in one graph: not the inside of the model is extended but what it reads. Its inputs
 * get more columns, of which the model itself makes masks and positions; only the embeddings of the
 * columns before a text are not those of tokens.
 *
 * @param graph the graph
 * @param table where it looks up its tokens
 * @param parameter {@code [tokens, width]}
 */
record PromptPlace(Graph graph, TokenTable table, ParameterSpec parameter)
    implements ModelMethod.Place {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  private static final String POSITIONS = "position_ids";

  /** Inputs with a number for each token. */
  private static final List<String> OF_TOKENS =
      List.of(IDS, MASK, "token_type_ids", "segment_ids", POSITIONS);

  private static final Map<String, Attribute> COLUMNS = Map.of("axis", Attribute.of(1L));

  @Override
  public TextColumns train(GraphBuilder builder, TextColumns columns, Value prompt) {
    Map<String, Set<Node>> readers = readers();
    Value count = builder.op("Gather", builder.op("Shape", prompt), builder.longs(0));
    Value length = builder.op("Add", size(builder, columns.ids(), 1), scalar(builder, count));
    Value all = range(builder, length);
    Value behind = builder.op("Sub", all, count);
    Value places = within(builder, behind, length);
    Alike plain = new Alike(columns.ids(), columns.mask(), places, count);
    Map<String, Value> read =
        lengthen(
            readers,
            input ->
                input.name().equals(POSITIONS)
                    ? builder.op(
                        "Where",
                        builder.op("Less", behind, builder.scalar(0L)),
                        all,
                        builder.op("Add", plain.ofColumns(builder, input), count))
                    : plain.ofColumns(builder, input));
    Value texts = builder.op("Gather", builder.op("Shape", columns.ids()), builder.longs(0));
    Value shape = concat(builder, texts, builder.op("Shape", prompt));
    embed(builder, builder.op("Expand", prompt, shape), count);
    return new Alike(
        read.getOrDefault(IDS, columns.ids()),
        columns.mask().map(mask -> read.getOrDefault(MASK, plain.ofColumns(builder, mask))),
        places,
        count);
  }

  @Override
  public TextColumns serve(GraphBuilder builder, TextColumns columns, ModelMethod.Bank bank) {
    Map<String, Set<Node>> readers = readers();
    Value counts = bank.ofEachText(builder);
    Value most = largest(builder, counts);
    Value given = size(builder, columns.ids(), 1);
    Value length = length(builder, columns, counts);
    Value all = range(builder, length);
    Value behind = builder.op("Sub", all, counts);
    Value one = builder.scalar(1L);
    Value places = within(builder, behind, builder.op("Sub", given, one));
    Value back =
        within(
            builder,
            builder.op("Add", range(builder, given), counts),
            builder.op("Sub", length, one));
    ByText plain = new ByText(columns.ids(), columns.mask(), places, back);
    Value learned = builder.op("Less", behind, builder.scalar(0L));
    Value beyond = builder.op("Less", behind, given);
    Map<String, Value> read =
        lengthen(
            readers,
            input -> {
              Value spread = plain.ofColumns(builder, input);
              return switch (input.name()) {
                case MASK -> builder.op("Mul", spread, number(builder, beyond));
                case POSITIONS ->
                    builder.op("Where", learned, all, builder.op("Add", spread, counts));
                default -> spread;
              };
            });
    embed(builder, prompts(builder, bank, most), builder.op("Reshape", most, builder.longs(1)));
    return new ByText(
        read.getOrDefault(IDS, columns.ids()),
        columns.mask().map(mask -> read.getOrDefault(MASK, plain.ofColumns(builder, mask))),
        places,
        back);
  }

  /**
   * Columns of the longest text with its prompt. Padding beyond is cut off: a text of full length
   * without a prompt must not be given columns that the model has no positions for.
   */
  private static Value length(GraphBuilder builder, TextColumns columns, Value counts) {
    Value places = range(builder, size(builder, columns.ids(), 1));
    Value ends = builder.op("Add", builder.op("Add", places, builder.scalar(1L)), counts);
    return columns
        .mask()
        .map(
            mask -> {
              Value isToken = builder.op("Greater", mask, builder.scalar(0L));
              return largest(builder, builder.op("Where", isToken, ends, counts));
            })
        .orElseGet(() -> largest(builder, ends));
  }

  /**
   * What stands in the first columns, {@code [batch, most, width]}: learned embeddings where the
   * row has them, else those of its tokens.
   */
  private UnaryOperator<Value> prompts(GraphBuilder builder, ModelMethod.Bank bank, Value most) {
    Value end = builder.op("Reshape", most, builder.longs(1));
    Value counts = builder.op("Reshape", bank.ofEachText(builder), builder.longs(-1, 1, 1));
    Value learned = bank.ofTexts(builder, most);
    Value column = builder.op("Reshape", range(builder, most), builder.longs(-1, 1));
    Value has = builder.op("Less", column, counts);
    return words -> {
      Value own = builder.op("Slice", words, builder.longs(0), end, builder.longs(1));
      return builder.op("Where", has, learned, own);
    };
  }

  private void embed(GraphBuilder builder, Value prompts, Value count) {
    embed(builder, _ -> prompts, count);
  }

  /** Puts learned embeddings into the first columns, in the place of those of tokens. */
  private void embed(GraphBuilder builder, UnaryOperator<Value> prompts, Value count) {
    Value words = table.output();
    Set<Node> readers = Set.copyOf(words.users());
    Value behind =
        builder.op("Slice", words, count, builder.longs(Long.MAX_VALUE), builder.longs(1));
    Value all = builder.op("Concat", COLUMNS, prompts.apply(words), behind);
    InsertAdapters.replace(graph, words, all, readers);
  }

  private Map<String, Set<Node>> readers() {
    Map<String, Set<Node>> readers = new HashMap<>();
    for (Value input : graph.inputs()) {
      if (OF_TOKENS.contains(input.name()) && !input.users().isEmpty()) {
        readers.put(input.name(), Set.copyOf(input.users()));
      }
    }
    return readers;
  }

  /** Lets the model read more columns. */
  private Map<String, Value> lengthen(
      Map<String, Set<Node>> readers, UnaryOperator<Value> lengthened) {
    Map<String, Value> read = new HashMap<>();
    for (Value input : List.copyOf(graph.inputs())) {
      Optional.ofNullable(readers.get(input.name()))
          .ifPresent(
              nodes -> {
                Value longer = lengthened.apply(input);
                InsertAdapters.replace(graph, input, longer, nodes);
                read.put(input.name(), longer);
              });
    }
    return read;
  }

  private static Value scalar(GraphBuilder builder, Value one) {
    return builder.op("Reshape", one, builder.longs());
  }
}
