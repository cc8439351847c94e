package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"kraftstack/lab"
)

// cleanUpTimeout bounds what is done after the measurement, or after it failed.
const cleanUpTimeout = 5 * time.Minute

// findDriver settles where the kraftstack program is.
func (b *bench) findDriver() error {
	if b.driver == "" {
		b.driver = filepath.Join(b.source, "bin", "kraftstack")
	}
	var err error
	if b.driver, err = filepath.Abs(b.driver); err != nil {
		return err
	}
	if _, err := os.Stat(b.driver); err != nil {
		return fmt.Errorf("find the driver: %w; next: run `make build`", err)
	}
	return nil
}

// enterLab sees to it that the lab runs, and makes this process work on it. The
// function that it returns puts back what was found: a lab that was down is
// taken down.
func (b *bench) enterLab(ctx context.Context) (func() error, error) {
	if err := b.findDriver(); err != nil {
		return nil, err
	}
	options := lab.Options{Program: b.driver, Out: b.out}
	found, err := lab.Status(ctx, options)
	if err != nil {
		return nil, err
	}
	leave := func() error { return nil }
	switch found.State {
	case lab.StateOrphaned:
		return nil, errors.New("the lab has no daemon; next: `kraftstack lab up` or `kraftstack lab down`, then run this again")
	case lab.StateDown:
		leave = func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
			defer cancel()
			return lab.Down(ctx, options)
		}
		if _, err := lab.Up(ctx, options); err != nil {
			return nil, errors.Join(err, leave())
		}
	}
	variables, err := lab.Environ(ctx, options)
	if err != nil {
		return nil, errors.Join(err, leave())
	}
	restore, err := setEnvironment(variables)
	if err != nil {
		return nil, errors.Join(err, leave())
	}
	return func() error {
		restore()
		return leave()
	}, nil
}
