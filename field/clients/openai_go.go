// OpenAI's Go client: a whole answer, a stream, embeddings, models, errors and its own retries.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const words = "Red and blue 🙂"

func say(name string, good bool, saw string) {
	line, _ := json.Marshal(map[string]any{"look": name, "good": good, "saw": saw})
	fmt.Println(string(line))
}

func failed(name string, err error, status int) {
	var refused *openai.Error
	if !errors.As(err, &refused) {
		say(name, false, fmt.Sprintf("no error of the API: %v", err))
		return
	}
	say(name, refused.StatusCode == status && refused.Message != "", fmt.Sprintf("%d %s", refused.StatusCode, refused.Message))
}

func main() {
	address, key := os.Getenv("CLAIMCHECK_URL")+"/v1", os.Getenv("CLAIMCHECK_KEY")
	client := openai.NewClient(option.WithBaseURL(address), option.WithAPIKey(key))
	ctx := context.Background()
	ask := func(model, text string) openai.ChatCompletionNewParams {
		return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
	}

	answer, err := client.Chat.Completions.New(ctx, ask("chat", "Which colors?"))
	say("chat", err == nil && answer.Choices[0].Message.Content == words, fmt.Sprintf("the text, error %v", err))

	stream := client.Chat.Completions.NewStreaming(ctx, ask("chat", "Which colors?"))
	sum, chunks := openai.ChatCompletionAccumulator{}, 0
	for stream.Next() {
		sum.AddChunk(stream.Current())
		chunks++
	}
	good := stream.Err() == nil && len(sum.Choices) > 0 && sum.Choices[0].Message.Content == words
	say("stream", good, fmt.Sprintf("the text in %d chunks, error %v", chunks, stream.Err()))

	vectors, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: "embedder", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}},
	})
	say("embeddings", err == nil && len(vectors.Data) == 2 && vectors.Data[1].Embedding[0] == 0.5, fmt.Sprintf("the numbers, error %v", err))

	models, err := client.Models.List(ctx)
	say("models", err == nil && len(models.Data) > 0, fmt.Sprintf("listed, error %v", err))

	_, err = client.Chat.Completions.New(ctx, ask("chat", "Which colors?"), option.WithAPIKey("ck_wrong"))
	failed("wrong key", err, 401)
	_, err = client.Chat.Completions.New(ctx, ask("nothing", "Which colors?"))
	failed("unknown model", err, 404)
	_, err = client.Chat.Completions.New(ctx, ask("chat", "please fail"))
	failed("refused input", err, 400)
	stream = client.Chat.Completions.NewStreaming(ctx, ask("chat", "please fail"))
	stream.Next()
	failed("refused input, streamed", stream.Err(), 400)
	answer, err = client.Chat.Completions.New(ctx, ask("chat", "please fail once, Go"), option.WithMaxRetries(0))
	say("server busy once", err == nil && answer.Choices[0].Message.Content == words, fmt.Sprintf("the text at the client's first try: the retry was ours; error %v", err))
}
