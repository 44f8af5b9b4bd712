package call

// RecordsFault is why the call records cannot be trusted: one closed list for
// metric labels, logs and what the commands print.
type RecordsFault string

// The faults. Nothing is dialled until an operator declares the time from which
// the records are valid.
const (
	RecordsRecreated    RecordsFault = "recreated"     // the stream was deleted and created again
	RecordsRolledBack   RecordsFault = "rolled_back"   // it was restored from an older copy
	RecordsWrongSetting RecordsFault = "wrong_setting" // it was found with a setting under which it may forget
	RecordsCanaryLost   RecordsFault = "canary_lost"   // its first message is gone: something removed messages
	RecordsClaimLost    RecordsFault = "claim_lost"    // a claim that it had confirmed is gone
	RecordsRefuseWrites RecordsFault = "refuse_writes" // it confirms nothing; this ends by itself
)

// RecordsFaults lists them.
func RecordsFaults() []RecordsFault {
	return []RecordsFault{
		RecordsRecreated, RecordsRolledBack, RecordsWrongSetting, RecordsCanaryLost, RecordsClaimLost, RecordsRefuseWrites,
	}
}
