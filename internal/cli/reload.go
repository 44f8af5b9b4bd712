package cli

import (
	"bytes"
	"context"
	"os"
	"time"

	"github.com/ringonce/ringonce/configs"
)

const (
	// reloadInterval is how often the configuration file is read.
	reloadInterval = 2 * time.Second
	// maxReadFailures is how many consecutive reads may fail before the
	// configuration is rejected: a file that is being replaced is back at the next.
	maxReadFailures = 5
)

// reloadable is a worker that can change its configuration.
type reloadable interface {
	Reload(c configs.Config)
	RejectReload(err error)
}

// reloader reloads the configuration on a signal and when the content of its file
// changes. It does not compare times: a mounted Kubernetes ConfigMap is replaced
// as a directory.
type reloader struct {
	file         string
	environ      []string
	data         []byte // what was loaded last
	readFailures int    // looks in a row
	rejected     bool   // what was loaded last
	worker       reloadable
}

// run runs until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	tick := time.NewTicker(reloadInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			r.load()
		case <-tick.C:
			r.checkFile()
		}
	}
}

// checkFile reloads the file if its content has changed, or if it was unreadable.
func (r *reloader) checkFile() {
	if r.file == "" {
		return
	}
	data, err := configs.ReadFile(r.file)
	if err != nil {
		if r.readFailures++; r.readFailures == maxReadFailures {
			r.worker.RejectReload(err)
		}
		return
	}
	away := r.readFailures >= maxReadFailures
	r.readFailures = 0
	if away || !bytes.Equal(data, r.data) || r.rejected && r.usable() {
		r.load()
	}
}

// usable reports whether the rejected configuration is valid now: a file that it
// names may exist by now.
func (r *reloader) usable() bool {
	_, err := parseConfig(r.file, r.data, r.environ)
	return err == nil
}

func (r *reloader) load() {
	data, err := readConfig(r.file)
	if err != nil {
		r.worker.RejectReload(err)
		return
	}
	r.data = data
	config, err := parseConfig(r.file, data, r.environ)
	r.rejected = err != nil
	if err != nil {
		r.worker.RejectReload(err)
		return
	}
	tuneGC(r.environ, config)
	r.worker.Reload(config)
}
