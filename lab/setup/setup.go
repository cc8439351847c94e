// Package setup brings a bare machine to the point where the lab can start:
// it looks at what the machine can do, then installs, builds or downloads what
// is missing. Everything it makes lies in one cache folder under names made
// from recipes, so a second run finds all of it and does nothing.
package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"kraftstack/lab/control"
	"kraftstack/lab/dist"
	"kraftstack/lab/image"
	"kraftstack/lab/paths"
)

// KafkaVersion is the release of Apache Kafka that the lab offers for download.
const KafkaVersion = "4.3.0"

// Options says where to work and how to report.
type Options struct {
	// CacheDir is the folder for downloads and builds. Default: paths.Cache().
	CacheDir string
	// LabDir is the folder that will hold the running lab; only its free space
	// is looked at. Default: paths.Lab().
	LabDir string
	// Out gets one line for each step that has work to do, and its progress.
	// Default: nothing is written.
	Out io.Writer
}

// Tools says where the things are that a lab needs.
type Tools struct {
	// Pulumi is the path of the Pulumi command line program.
	Pulumi string
	// LanguageHostDir is the folder that holds pulumi-language-go.
	LanguageHostDir string
	// Images are what hosts boot from; never change them.
	Images image.Images
	// DownloadDir is the folder that the download server offers.
	DownloadDir string
	// CacheDir is where all of this lies.
	CacheDir string
}

// Run makes sure that this machine can run the lab and that everything the lab
// needs is there. It changes nothing before all checks have passed; its error
// then lists every problem. Runs at the same time wait for each other. With
// nothing to do it takes a fraction of a second and writes nothing.
func Run(ctx context.Context, o Options) (Tools, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Tools{}, err
	}
	r := recipe{cache: o.CacheDir}
	if problems := preflight(ctx, o, r.missing()); len(problems) > 0 {
		return Tools{}, problems
	}
	if len(r.missing()) > 0 {
		if err := r.make(ctx, o.Out); err != nil {
			return Tools{}, err
		}
	}
	return r.tools(ctx)
}

// Find says where everything is without making any of it. Its error names what
// is missing.
func Find(ctx context.Context, cacheDir string) (Tools, error) {
	r := recipe{cache: cacheDir}
	if names := r.missing(); len(names) > 0 {
		return Tools{}, fmt.Errorf("the lab's set-up is not complete: %v missing; next: run `kraftstack lab setup`", names)
	}
	return r.tools(ctx)
}

func (o Options) withDefaults() (Options, error) {
	if o.CacheDir == "" {
		dir, err := paths.Cache()
		if err != nil {
			return o, fmt.Errorf("find the cache folder: %w; next: set KRAFTSTACK_CACHE_DIR", err)
		}
		o.CacheDir = dir
	}
	if o.LabDir == "" {
		o.LabDir = paths.Lab()
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	return o, nil
}

// recipe is the list of what a lab needs, in one cache folder.
type recipe struct{ cache string }

// steps lists everything, each with what it stands on. Steps that do not need
// each other run side by side: the builds of Pulumi keep the cores busy while
// packages, image and jars come over the network.
func (r recipe) steps() []Step {
	cli, host := pulumiTool(), languageHostTool()
	return []Step{
		{
			Name:  "Debian packages",
			Ready: func() bool { return len(missingPackages()) == 0 },
			Run:   func(ctx context.Context, out io.Writer) error { return installPackages(ctx, out, missingPackages()) },
		},
		{
			Name:  "Pulumi command line",
			Ready: func() bool { return pathPulumi() != "" || cli.ready(r.cache) },
			Run:   func(ctx context.Context, out io.Writer) error { return cli.build(ctx, r.cache, out) },
		},
		{
			Name:  "Pulumi language host",
			After: []string{"Pulumi command line"},
			Ready: func() bool { return pathLanguageHost() != "" || host.ready(r.cache) },
			Run:   func(ctx context.Context, out io.Writer) error { return host.build(ctx, r.cache, out) },
		},
		{
			Name:  "AWS emulator",
			After: []string{"Debian packages"},
			Ready: func() bool { return control.Moto().Ready(r.cache) },
			Run: func(ctx context.Context, out io.Writer) error {
				_, err := control.Moto().Ensure(ctx, r.cache, out)
				return err
			},
		},
		{
			Name:  "images of the hosts",
			After: []string{"Debian packages"},
			Ready: func() bool { return image.Ready(r.cache) },
			Run: func(ctx context.Context, out io.Writer) error {
				_, err := image.Ensure(ctx, r.cache, out)
				return err
			},
		},
		{
			Name:  "Kafka " + KafkaVersion + " archive",
			After: []string{"Debian packages"},
			Ready: func() bool { return dist.Ready(r.cache, KafkaVersion) },
			Run: func(ctx context.Context, out io.Writer) error {
				_, err := dist.Ensure(ctx, r.cache, KafkaVersion, out)
				return err
			},
		},
	}
}

// missing lists the names of the steps that have work to do.
func (r recipe) missing() []string {
	var names []string
	for _, s := range r.steps() {
		if !s.Ready() {
			names = append(names, s.Name)
		}
	}
	return names
}

// make runs the steps under the cache folder's lock.
func (r recipe) make(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := Lock(ctx, filepath.Join(r.cache, "setup.lock"), func(holder string) {
		fmt.Fprintf(out, "set-up: waiting for another set-up (process %s) that holds %s\n", holder, r.cache)
	})
	if err != nil {
		return err
	}
	defer unlock()
	start := time.Now()
	if err := RunSteps(ctx, out, r.steps()); err != nil {
		return err
	}
	fmt.Fprintf(out, "set-up: complete after %s, kept in %s\n", seconds(time.Since(start)), r.cache)
	return nil
}

// tools reads the paths of what is ready.
func (r recipe) tools(ctx context.Context) (Tools, error) {
	t := Tools{CacheDir: r.cache, Pulumi: pathPulumi(), LanguageHostDir: pathLanguageHost()}
	if t.Pulumi == "" {
		t.Pulumi = pulumiTool().path(r.cache)
	}
	if t.LanguageHostDir == "" {
		t.LanguageHostDir = filepath.Dir(languageHostTool().path(r.cache))
	}
	var err error
	if t.Images, err = image.Ensure(ctx, r.cache, io.Discard); err != nil {
		return t, err
	}
	t.DownloadDir, err = dist.Ensure(ctx, r.cache, KafkaVersion, io.Discard)
	return t, err
}
