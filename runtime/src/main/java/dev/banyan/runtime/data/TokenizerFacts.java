package dev.banyan.runtime.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;

/**
 * What a {@code tokenizer.json} says beside how to tokenize. It is read as a stream, as its
 * vocabulary is long.
 *
 * @param maxId the highest token id
 * @param padId the id of the padding token; 0 where the file names none
 */
record TokenizerFacts(long maxId, long padId) {
  private static final Set<String> PAD_TOKENS = Set.of("[PAD]", "<pad>", "<|pad|>");

  /**
   * Reads the facts.
   *
   * @throws DataFailure.BadTokenizer if the file is no JSON object with a vocabulary
   */
  static TokenizerFacts read(Path file) {
    try (InputStream in = Files.newInputStream(file);
        JsonParser json = new JsonFactory().createParser(in)) {
      Reading reading = new Reading(json);
      reading.document();
      if (reading.maxId < 0) {
        throw new DataFailure.BadTokenizer(
            file, "it has no vocabulary; expected a Hugging Face tokenizer.json", null);
      }
      return new TokenizerFacts(reading.maxId, Math.max(0, reading.padId));
    } catch (NoSuchFileException e) {
      throw new DataFailure.BadTokenizer(file, "there is no such file", e);
    } catch (IOException e) {
      throw new DataFailure.BadTokenizer(
          file, "this is not JSON; expected a Hugging Face tokenizer.json", e);
    }
  }

  /** One walk over the document. */
  private static final class Reading {
    private final JsonParser json;
    private long maxId = -1;
    private long padId = -1;

    Reading(JsonParser json) {
      this.json = json;
    }

    void document() throws IOException {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        JsonToken value = json.nextToken();
        switch (key) {
          case "added_tokens" -> addedTokens(value);
          case "model" -> model(value);
          default -> json.skipChildren();
        }
      }
    }

    private void addedTokens(JsonToken start) throws IOException {
      if (start != JsonToken.START_ARRAY) {
        return;
      }
      while (json.nextToken() == JsonToken.START_OBJECT) {
        long id = -1;
        String content = "";
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String key = json.currentName();
          json.nextToken();
          switch (key) {
            case "id" -> id = json.getLongValue();
            case "content" -> content = json.getText();
            default -> json.skipChildren();
          }
        }
        maxId = Math.max(maxId, id);
        if (PAD_TOKENS.contains(content)) {
          padId = id;
        }
      }
    }

    private void model(JsonToken start) throws IOException {
      if (start != JsonToken.START_OBJECT) {
        return;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        JsonToken value = json.nextToken();
        if (key.equals("vocab")) {
          vocabulary(value);
        } else {
          json.skipChildren();
        }
      }
    }

    /** A map from token to id (WordPiece, BPE, WordLevel), or a list in id order (Unigram). */
    private void vocabulary(JsonToken start) throws IOException {
      if (start == JsonToken.START_OBJECT) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          json.nextToken();
          maxId = Math.max(maxId, json.getLongValue());
        }
      } else if (start == JsonToken.START_ARRAY) {
        long size = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
          json.skipChildren();
          size++;
        }
        maxId = Math.max(maxId, size - 1);
      }
    }
  }
}
