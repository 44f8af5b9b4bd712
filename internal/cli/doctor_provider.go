package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi"
)

// provider looks up apps and numbers of every configured account.
func (r *doctorRun) provider(ctx context.Context, config configs.Config) {
	accounts := config.SortedAccounts()
	if len(accounts) == 0 {
		r.note("provider", "not checked: no account is configured; set --config to the workers' file, or SFVOPI_API_KEY")
		return
	}
	for _, account := range accounts {
		found, err := lookUp(ctx, config.Provider, account)
		r.report("provider", err, fmt.Sprintf("account %s: %s linked to %s",
			account.Name, plural(found.linked, "number"), plural(found.active, "ACTIVE app")))
		if err == nil && found.linked == 0 {
			r.note("provider", fmt.Sprintf("account %s cannot call: link a number to an ACTIVE app", account.Name))
		}
		if found.unreadable > 0 {
			r.note("provider", fmt.Sprintf("account %s: %d entries of the provider's lists cannot be parsed and are ignored; a number that is in no list counts as not known",
				account.Name, found.unreadable))
		}
	}
}

// linkCount is the result of an account's look-ups.
type linkCount struct {
	linked     int // numbers that may call
	active     int // the ACTIVE apps that they are linked to
	unreadable int // entries that could not be parsed
}

func lookUp(ctx context.Context, p configs.Provider, account configs.NamedAccount) (found linkCount, err error) {
	defer func() {
		if err != nil {
			found, err = linkCount{}, fmt.Errorf("account %s: %w; %s", account.Name, err, lookupHint(err, p))
		}
	}()
	key, err := account.ReadKey()
	if err != nil {
		return found, err
	}
	client, err := sfvopi.NewClient(sfvopi.Config{
		BaseURL: p.BaseURL, Key: key.Reveal, ConnectTimeout: p.ConnectTimeout, RequestTimeout: p.RequestTimeout,
		ProxyURL: p.ProxyURL, CAFile: p.CAFile,
	})
	if err != nil {
		return found, err
	}
	defer client.Close()
	apps, odd, err := client.Apps(ctx)
	if err != nil {
		return found, err
	}
	found.unreadable = odd
	for _, app := range apps {
		if app.Status != sfvopi.StatusActive {
			continue
		}
		found.active++
		numbers, odd, err := client.Numbers(ctx, app.ID)
		if err != nil {
			return found, err
		}
		found.unreadable += odd
		for _, n := range numbers {
			if n.Status == "" || n.Status == sfvopi.StatusActive {
				found.linked++
			}
		}
	}
	return found, nil
}

// lookupHint returns what to check after a failed look-up.
func lookupHint(err error, p configs.Provider) string {
	if _, is := errors.AsType[*sfvopi.ProxyError](err); is {
		return "the provider was not reached: check provider.proxy_url, and what the proxy lets through"
	}
	if _, is := errors.AsType[*sfvopi.ResourceError](err); is {
		return "the provider was not contacted"
	}
	_, answered := errors.AsType[*sfvopi.StatusError](err)
	if p.ProxyURL != "" && !answered {
		return "check whether the proxy of provider.proxy_url forwards requests unchanged, then provider.base_url and provider.ca_file"
	}
	return "check provider.base_url and the account's key"
}
