package simulator_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// A call is lost and asked for again: the caller saw one success, the oracle saw
// two rings.
func Example() {
	provider, err := simulator.New(simulator.Config{Rules: []simulator.Rule{
		{Name: "lost", Fault: "gateway_504_html_rang", First: 1},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		body := `{"from":"` + simulator.DefaultNumber + `","to":"+919812345678","answer_url":"https://publisher.example/answer"}`
		request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/sfvopi/calls", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-API-Key", simulator.DefaultAPIKey)
		recorder := httptest.NewRecorder()
		provider.ServeHTTP(recorder, request)
		answer := recorder.Result()
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		fmt.Println(answer.Status)
	}
	fmt.Println("rung:", provider.Rung("+919812345678"))
	// Output:
	// 504 Gateway Timeout
	// 201 Created
	// rung: 2
}
