package simulator

// authenticate finds the organisation of an API key.
func (r *records) authenticate(key string) (*orgRecord, error) {
	if key == "" {
		return nil, errNoKey
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if org, ok := r.byKey[key]; ok {
		return org, nil
	}
	return nil, errWrongKey
}

// callingApp is the app that a call from this number belongs to: both the app
// and the link must be ACTIVE.
func (r *records) callingApp(org *orgRecord, voip string) (app, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if number, ok := org.numbers[voip]; ok && number.appID != "" && number.status == Active {
		if found := org.app(number.appID); found != nil && found.Status == Active {
			return *found, nil
		}
	}
	return app{}, notLinked(voip)
}

func (r *records) apps(org *orgRecord) []app {
	r.mu.RLock()
	defer r.mu.RUnlock()
	apps := make([]app, 0, len(org.apps))
	for _, each := range org.apps {
		apps = append(apps, *each)
	}
	return apps
}

func (r *records) appByID(org *orgRecord, appID string) (app, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if found := org.app(appID); found != nil {
		return *found, nil
	}
	return app{}, errNoApp
}

// links lists the numbers of an app whose own link is ACTIVE.
func (r *records) links(org *orgRecord, appID string) ([]link, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if org.app(appID) == nil {
		return nil, errNoApp
	}
	links := []link{}
	for _, voip := range org.order {
		if number := org.numbers[voip]; number.appID == appID && number.status == Active {
			links = append(links, org.link(voip, number))
		}
	}
	return links, nil
}

func (r *records) available(org *orgRecord) []availableNumber {
	r.mu.RLock()
	defer r.mu.RUnlock()
	numbers := []availableNumber{}
	for _, voip := range org.order {
		if number := org.numbers[voip]; number.appID == "" {
			numbers = append(numbers, availableNumber{
				ID: number.id, VoIPNumber: voip, Provider: "simulator", Status: number.status,
			})
		}
	}
	return numbers
}
