package nodejs

import (
	"os"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// Traces name the sources of what a compiler made (testdata/sourcemaps, by esbuild), if NODE_OPTIONS asks for it.
func TestSourceMaps(t *testing.T) {
	var files []string
	for _, name := range []string{"app.js", "app.js.map", "inline.js"} {
		b, err := os.ReadFile("testdata/sourcemaps/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, "out/"+name, string(b))
	}
	files = append(files, "out/broken.js", "exports.handler = async () => { throw new Error('from broken') }\n//# sourceMappingURL=none.js.map\n")
	for _, c := range []struct{ handler, options, want string }{
		{"out/app.handler", "--enable-source-maps", "at inner (/var/task/app.ts:8:"},
		{"out/inline.handler", "--max-http-header-size=1024 --enable-source-maps", "at inner (/var/task/app.ts:8:"},
		{"out/app.handler", "", "at inner (/var/task/out/app.js:27:"},
		{"out/broken.handler", "--enable-source-maps", "(/var/task/out/broken.js:1:"},
	} {
		g := start(t, task(files...), "NODE_OPTIONS", c.options)
		if s, b := g.load("nodejs20.x", c.handler); s != abi.StatusDone {
			t.Fatalf("load: %v %s", s, b)
		}
		if s, b := g.invoke(`{"name": "x"}`); s != abi.StatusError || !strings.Contains(b, c.want) {
			t.Errorf("%s %s: %v %s, want %s", c.handler, c.options, s, b, c.want)
		}
	}
}
