package dev.banyan.graph.autodiff;

import dev.banyan.graph.ir.Node;
import dev.banyan.graph.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * An equation of Einsum with a letter for every axis: {@code "...ij,...jk->...ik"} of operands with
 * three axes is {@code "Aij,Ajk->Aik"}.
 *
 * @param operands the letters of each operand's axes
 * @param output the letters of the output's axes
 * @param broadcast the letters that stand for an ellipsis, along which sizes of 1 are repeated
 */
record EinsumEquation(List<String> operands, String output, String broadcast) {
  private static final String ELLIPSIS = "...";

  /** Reads a node's equation; the ranks of its inputs say how many axes an ellipsis stands for. */
  static EinsumEquation of(Node node) {
    String equation = node.textAttribute("equation", "").replace(" ", "");
    List<String> sides = Arrays.asList(equation.split("->", -1));
    List<String> terms = Arrays.asList(sides.getFirst().split(",", -1));
    List<Integer> hidden = new ArrayList<>();
    for (int i = 0; i < terms.size(); i++) {
      Value operand = node.input(i);
      int letters = terms.get(i).replace(ELLIPSIS, "").length();
      hidden.add(operand.knownType().rank() - letters);
    }
    int most = hidden.stream().mapToInt(Integer::intValue).max().orElse(0);
    String broadcast = unused(equation).substring(0, most);
    List<String> operands = new ArrayList<>();
    for (int i = 0; i < terms.size(); i++) {
      operands.add(terms.get(i).replace(ELLIPSIS, broadcast.substring(most - hidden.get(i))));
    }
    String output =
        sides.size() > 1 ? sides.get(1).replace(ELLIPSIS, broadcast) : implied(terms, broadcast);
    return new EinsumEquation(operands, output, broadcast);
  }

  /** Letters that the equation does not have. */
  private static String unused(String equation) {
    return Stream.iterate('A', letter -> (char) (letter + 1))
        .limit(26)
        .map(String::valueOf)
        .filter(letter -> !equation.contains(letter))
        .collect(Collectors.joining());
  }

  /** Without an arrow, the ellipsis and then the letters that occur once, in their order. */
  private static String implied(List<String> terms, String broadcast) {
    String all = String.join("", terms).replace(ELLIPSIS, "");
    return broadcast
        + Arrays.stream(all.split(""))
            .filter(letter -> all.indexOf(letter) == all.lastIndexOf(letter))
            .sorted()
            .collect(Collectors.joining());
  }

  /** All terms but this operand's: what its gradient is a product of, without the output's. */
  List<String> others(int operand) {
    List<String> others = new ArrayList<>(operands);
    others.remove(operand);
    return others;
  }

  /** The axes that no other operand and not the output has: they were summed on their own. */
  List<Integer> axesOnlyOf(int operand) {
    String own = operands.get(operand);
    return IntStream.range(0, own.length())
        .filter(axis -> !isShared(own.charAt(axis), operand))
        .boxed()
        .toList();
  }

  /** An operand's other letters, in its order. */
  String sharedLettersOf(int operand) {
    return Arrays.stream(operands.get(operand).split(""))
        .filter(letter -> !letter.isEmpty() && isShared(letter.charAt(0), operand))
        .collect(Collectors.joining());
  }

  private boolean isShared(char letter, int operand) {
    return (output + String.join("", others(operand))).indexOf(letter) >= 0;
  }
}
