package nodejs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// Programs whose answers were recorded from Node.js 20 (testdata/node/record.sh) answer the same here, item by item.
func TestSameAsNode(t *testing.T) {
	programs, err := filepath.Glob("testdata/node/*.js")
	if err != nil || len(programs) == 0 {
		t.Fatal("no programs", err)
	}
	for _, file := range programs {
		name := strings.TrimSuffix(filepath.Base(file), ".js")
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			recorded, err := os.ReadFile(strings.TrimSuffix(file, ".js") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want, got []any
			if err := json.Unmarshal(recorded, &want); err != nil {
				t.Fatal(err)
			}
			g := loaded(t, "nodejs20.x", "exports.handler = async () => {\n"+string(source)+"\n}", "TZ", "UTC")
			s, b := g.invoke(`{}`)
			if s != abi.StatusDone {
				t.Fatalf("%v %s", s, b)
			}
			if err := json.Unmarshal([]byte(b), &got); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Errorf("%d answers, want %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if !reflect.DeepEqual(got[i], want[i]) {
					x, _ := json.Marshal(got[i])
					y, _ := json.Marshal(want[i])
					t.Errorf("%d: %s\nwant %s", i, x, y)
				}
			}
		})
	}
}
