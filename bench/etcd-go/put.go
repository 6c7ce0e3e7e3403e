// Put by etcd's own Go client: so many clients in a closed loop, over all endpoints, each with a connection of its own.
// Prints one JSON object: what was done a second, and how long it took.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

func main() {
	endpoints := flag.String("endpoints", "", "host:port, commas between")
	clients := flag.Int("clients", 100, "")
	warmUp := flag.Duration("warm-up", time.Second, "")
	measure := flag.Duration("for", 5*time.Second, "")
	size := flag.Int("value-bytes", 256, "")
	flag.Parse()

	value := strings.Repeat("v", *size)
	began := time.Now().Add(*warmUp)
	ends := began.Add(*measure)
	all := strings.Split(*endpoints, ",")
	var mutex sync.Mutex
	var group sync.WaitGroup
	var took []time.Duration
	errors := 0
	for i := 0; i < *clients; i++ {
		client, err := clientv3.New(clientv3.Config{
			Endpoints:   []string{all[i%len(all)]},
			DialTimeout: 5 * time.Second,
		})
		if err != nil {
			log.Fatal(err)
		}
		group.Add(1)
		go func(i int) {
			defer group.Done()
			defer client.Close()
			var mine []time.Duration
			failed := 0
			for n := 0; time.Now().Before(ends); n++ {
				start := time.Now()
				_, err := client.Put(context.Background(), fmt.Sprintf("go/%03d/%07d", i, n), value)
				end := time.Now()
				if err != nil {
					failed++
				} else if start.After(began) && end.Before(ends) {
					mine = append(mine, end.Sub(start))
				}
			}
			mutex.Lock()
			took = append(took, mine...)
			errors += failed
			mutex.Unlock()
		}(i)
	}
	group.Wait()
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	at := func(share float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return float64(took[int(float64(len(took)-1)*share)].Microseconds()) / 1000
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"opsPerSecond": int(float64(len(took)) / measure.Seconds()),
		"p50Ms":        at(0.5),
		"p99Ms":        at(0.99),
		"errors":       errors,
	})
}
