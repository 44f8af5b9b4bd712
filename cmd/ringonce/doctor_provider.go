package main

import (
	"context"
	"fmt"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi"
)

// provider asks the provider what rings nobody, for every account that is
// configured here.
func (e *examination) provider(ctx context.Context, config configs.Config) {
	accounts := config.SortedAccounts()
	if len(accounts) == 0 {
		e.note("provider", "not checked: no account is configured here; give the workers' --config, or set SFVOPI_API_KEY")
		return
	}
	for _, account := range accounts {
		linked, apps, err := lookUp(ctx, config.Provider, account)
		e.report("provider", err, fmt.Sprintf("account %s: %s linked to %s",
			account.Name, count(linked, "number"), count(apps, "ACTIVE app")))
		if err == nil && linked == 0 {
			e.note("provider", fmt.Sprintf("account %s cannot call: link a number to an ACTIVE app", account.Name))
		}
	}
}

// lookUp counts the numbers that may call, and the ACTIVE apps they are linked
// to.
func lookUp(ctx context.Context, p configs.Provider, account configs.NamedAccount) (linked, active int, err error) {
	fail := func(err error) (int, int, error) {
		return 0, 0, fmt.Errorf("account %s: %w; check provider.base_url and the account's key", account.Name, err)
	}
	key, err := account.ReadKey()
	if err != nil {
		return fail(err)
	}
	client, err := sfvopi.NewClient(sfvopi.Config{
		BaseURL: p.BaseURL, Key: key.Reveal, ConnectTimeout: p.ConnectTimeout, RequestTimeout: p.RequestTimeout,
		ProxyURL: p.ProxyURL, CAFile: p.CAFile,
	})
	if err != nil {
		return fail(err)
	}
	defer client.Close()
	apps, err := client.Apps(ctx)
	if err != nil {
		return fail(err)
	}
	for _, app := range apps {
		if app.Status != sfvopi.StatusActive {
			continue
		}
		active++
		numbers, err := client.Numbers(ctx, app.ID)
		if err != nil {
			return fail(err)
		}
		for _, n := range numbers {
			if n.Status == "" || n.Status == sfvopi.StatusActive {
				linked++
			}
		}
	}
	return linked, active, nil
}
