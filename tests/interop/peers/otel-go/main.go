// The application of the OpenTelemetry Go peer: net/http with otelhttp on both sides.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

var reported = []string{"traceparent", "tracestate", "baggage", "sw8", "sw8-correlation", "sw8-x"}

var client = http.Client{
	Transport: otelhttp.NewTransport(http.DefaultTransport),
	Timeout:   20 * time.Second,
}

type answer struct {
	Service  string            `json:"service"`
	Received map[string]string `json:"received"`
	Error    string            `json:"error,omitempty"`
	Next     json.RawMessage   `json:"next,omitempty"`
}

func call(w http.ResponseWriter, r *http.Request) {
	a := answer{Service: os.Getenv("OTEL_SERVICE_NAME"), Received: map[string]string{}}
	for _, name := range reported {
		if value := r.Header.Get(name); value != "" {
			a.Received[name] = value
		}
	}
	if url := r.URL.Query().Get("next"); url != "" {
		if err := next(r.Context(), url, &a.Next); err != nil {
			a.Error = err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

func next(ctx context.Context, url string, answer *json.RawMessage) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// Service, endpoint and delays come from OTEL_* variables.
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	// Without this nothing is continued, and nothing goes on.
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{}))

	http.Handle("/call", otelhttp.NewHandler(http.HandlerFunc(call), "call"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	go func() { log.Print(http.Serve(listener, nil)) }()

	<-ctx.Done()
	flush, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := provider.Shutdown(flush); err != nil {
		log.Fatal(err)
	}
}
