package simulator

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNotFound is wrapped by changes to an organisation, app, number or rule that
// does not exist.
var ErrNotFound = errors.New("not known to the simulator")

// PutOrganisation adds an organisation, or replaces the one of that name whole.
func (s *Simulator) PutOrganisation(org Organisation) error {
	if err := org.validate(); err != nil {
		return err
	}
	if err := unique(map[string]bool{}, "a number of organisation "+org.Name, org.numbers()...); err != nil {
		return err
	}
	r := s.records
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.keysFree(org.Name, org.APIKeys); err != nil {
		return err
	}
	for _, other := range r.organisations {
		for _, voip := range org.numbers() {
			if _, taken := other.numbers[voip]; taken && other.name != org.Name {
				return fmt.Errorf("organisation %s: a number belongs to organisation %s", org.Name, other.name)
			}
		}
	}
	if old, ok := r.organisations[org.Name]; ok && org.ID == 0 {
		org.ID = old.id
	}
	r.dropKeys(org.Name)
	r.add(&org)
	return nil
}

// SetAPIKeys replaces an organisation's API keys: the old ones answer 401 from
// then on. No keys at all locks the organisation out.
func (s *Simulator) SetAPIKeys(organisation string, keys ...string) error {
	if slices.Contains(keys, "") {
		return errors.New("an API key may not be empty")
	}
	return s.change(organisation, func(r *records, org *orgRecord) error {
		if err := r.keysFree(organisation, keys); err != nil {
			return err
		}
		r.dropKeys(organisation)
		org.keys = slices.Clone(keys)
		for _, key := range keys {
			r.byKey[key] = org
		}
		return nil
	})
}

// SetCPS limits an organisation's calls per second; 0 lifts the limit.
func (s *Simulator) SetCPS(organisation string, perSecond float64) error {
	if perSecond < 0 {
		return fmt.Errorf("cps %g may not be negative", perSecond)
	}
	return s.change(organisation, func(_ *records, org *orgRecord) error {
		org.limit.set(perSecond)
		return nil
	})
}

// PutApp adds an app, or replaces the one of that app_id. Its numbers are linked
// to it, away from any other app; numbers that it had and that are not named
// become available.
func (s *Simulator) PutApp(organisation string, put App) error {
	if err := put.validate(); err != nil {
		return err
	}
	return s.change(organisation, func(r *records, org *orgRecord) error {
		for _, voip := range append(slices.Clone(put.Numbers), put.InactiveNumbers...) {
			if err := r.numberFree(organisation, voip); err != nil {
				return err
			}
		}
		org.apps = slices.DeleteFunc(org.apps, func(a *app) bool { return a.AppID == put.ID })
		for _, number := range org.numbers {
			if number.appID == put.ID {
				number.unlink()
			}
		}
		r.addApp(org, &put)
		return nil
	})
}

// RemoveApp removes an app; its numbers become available.
func (s *Simulator) RemoveApp(organisation, appID string) error {
	org, err := s.organisation(organisation)
	if err != nil {
		return err
	}
	if err := s.records.deleteApp(org, appID); err != nil {
		return fmt.Errorf("app %s: %w", appID, ErrNotFound)
	}
	return nil
}

// SetAppStatus makes an app ACTIVE or INACTIVE.
func (s *Simulator) SetAppStatus(organisation, appID string, status Status) error {
	if err := status.validate(); err != nil || status == "" {
		return errors.Join(err, fmt.Errorf("app %s: status is %s or %s", appID, Active, Inactive))
	}
	return s.change(organisation, func(_ *records, org *orgRecord) error {
		found := org.app(appID)
		if found == nil {
			return fmt.Errorf("app %s: %w", appID, ErrNotFound)
		}
		at := now()
		found.Status, found.UpdatedAt = status, &at
		return nil
	})
}

// LinkNumber links a number to an app with an ACTIVE or INACTIVE link, buying it
// first if need be and taking it away from any other app.
func (s *Simulator) LinkNumber(organisation, appID, voip string, status Status) error {
	if err := status.validate(); err != nil {
		return err
	}
	if status == "" {
		status = Active
	}
	return s.change(organisation, func(r *records, org *orgRecord) error {
		if org.app(appID) == nil {
			return fmt.Errorf("app %s: %w", appID, ErrNotFound)
		}
		if err := r.numberFree(organisation, voip); err != nil {
			return err
		}
		r.own(org, voip).link(appID, status)
		return nil
	})
}

// UnlinkNumber makes a number owned and linked to no app, buying it if need be.
func (s *Simulator) UnlinkNumber(organisation, voip string) error {
	return s.change(organisation, func(r *records, org *orgRecord) error {
		if err := r.numberFree(organisation, voip); err != nil {
			return err
		}
		r.own(org, voip).unlink()
		return nil
	})
}

// RemoveNumber removes a number: the organisation no longer owns it.
func (s *Simulator) RemoveNumber(organisation, voip string) error {
	return s.change(organisation, func(_ *records, org *orgRecord) error {
		if _, owned := org.numbers[voip]; !owned {
			return fmt.Errorf("that number: %w", ErrNotFound)
		}
		delete(org.numbers, voip)
		org.order = slices.DeleteFunc(org.order, func(each string) bool { return each == voip })
		return nil
	})
}

func (s *Simulator) organisation(name string) (*orgRecord, error) {
	s.records.mu.RLock()
	defer s.records.mu.RUnlock()
	if org, ok := s.records.organisations[name]; ok {
		return org, nil
	}
	return nil, fmt.Errorf("organisation %q: %w", name, ErrNotFound)
}

// change runs an edit of one organisation under the lock.
func (s *Simulator) change(name string, edit func(*records, *orgRecord) error) error {
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	org, ok := s.records.organisations[name]
	if !ok {
		return fmt.Errorf("organisation %q: %w", name, ErrNotFound)
	}
	return edit(s.records, org)
}

func (r *records) keysFree(name string, keys []string) error {
	for _, key := range keys {
		if org, taken := r.byKey[key]; taken && org.name != name {
			return fmt.Errorf("an API key belongs to organisation %s", org.name)
		}
	}
	return nil
}

func (r *records) dropKeys(name string) {
	for key, org := range r.byKey {
		if org.name == name {
			delete(r.byKey, key)
		}
	}
}

func (r *records) numberFree(name, voip string) error {
	if !isE164(voip) {
		return errNotE164
	}
	for _, org := range r.organisations {
		if _, taken := org.numbers[voip]; taken && org.name != name {
			return fmt.Errorf("that number belongs to organisation %s", org.name)
		}
	}
	return nil
}
