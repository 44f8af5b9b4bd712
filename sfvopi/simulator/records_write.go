package simulator

import "slices"

// createApp puts an app on file, as POST /sfvopi/apps does.
func (r *records) createApp(org *orgRecord, created app) app {
	r.mu.Lock()
	defer r.mu.Unlock()
	created.OrgID, created.CreatedAt, created.UpdatedAt = org.id, now(), nil
	org.apps = append(org.apps, &created)
	return created
}

// updateApp lets change edit a copy, and keeps the copy if it has no error.
func (r *records) updateApp(org *orgRecord, appID string, change func(*app) error) (app, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := org.app(appID)
	if found == nil {
		return app{}, errNoApp
	}
	changed := *found
	if err := change(&changed); err != nil {
		return app{}, err
	}
	at := now()
	changed.UpdatedAt = &at
	*found = changed
	return changed, nil
}

// deleteApp removes an app; its numbers become available.
func (r *records) deleteApp(org *orgRecord, appID string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if org.app(appID) == nil {
		return errNoApp
	}
	org.apps = slices.DeleteFunc(org.apps, func(a *app) bool { return a.AppID == appID })
	for _, number := range org.numbers {
		if number.appID == appID {
			number.unlink()
		}
	}
	return nil
}

func (r *records) linkNumber(org *orgRecord, appID, voip string) (link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if org.app(appID) == nil {
		return link{}, errNoApp
	}
	number, owned := org.numbers[voip]
	if !owned {
		return link{}, errNotOwned
	}
	if number.appID != "" && number.appID != appID {
		return link{}, errLinkedElse
	}
	if number.appID == "" {
		number.link(appID, Active)
	}
	return org.link(voip, number), nil
}

func (r *records) unlinkNumber(org *orgRecord, appID, voip string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	number, owned := org.numbers[voip]
	if !owned || number.appID == "" || number.appID != appID {
		return errNotThisApp
	}
	number.unlink()
	return nil
}
