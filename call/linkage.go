package call

// Linkage is what is known of a caller ID: whether it is linked to an ACTIVE
// app. "Not known" is never "not linked".
type Linkage string

// The linkages. All but Linked and LinkageNotKnown end a request.
const (
	Linked          Linkage = "linked"
	AppInactive     Linkage = "app_inactive"
	OwnedNotLinked  Linkage = "owned_not_linked"
	NotOwned        Linkage = "not_owned"
	OtherApp        Linkage = "other_app"
	LinkageNotKnown Linkage = "not_known"
)

// Advice says what the linkage means and what to do about it.
func (l Linkage) Advice() string {
	switch l {
	case Linked:
		return "the caller ID is linked to an ACTIVE app"
	case AppInactive:
		return "the caller ID is linked to an app that is INACTIVE: activate the app, then replay"
	case OwnedNotLinked:
		return "the caller ID belongs to the account and is not linked to an app: link it, then replay"
	case NotOwned:
		return "the caller ID does not belong to the account, or its link is not ACTIVE: check from, or link the number, then replay"
	case OtherApp:
		return "the caller ID is linked to another app than app_id names: correct app_id or from"
	case LinkageNotKnown:
	}
	return "whether the caller ID is linked could not be looked up"
}
