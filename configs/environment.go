package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kubernetes gives every container variables for each Service of its namespace. Those of one named truecount, or truecount-
// and more, begin like ours. A TRUECOUNT_PORT of theirs is a URL; another is somebody's mistake.
var (
	serviceName = regexp.MustCompile(`^TRUECOUNT_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	serviceURL  = regexp.MustCompile(`^TRUECOUNT_(.+_)?PORT=(tcp|udp|sctp)://`)
)

// readEnvironment returns the texts of our variables by setting, and the name of the configuration file. An empty variable
// is one that is not set: templates have no other way to leave one out, and what is empty by default needs none.
func readEnvironment(environ []string) (texts map[string]string, file string, err error) {
	texts = map[string]string{}
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(entry, "=")
		switch {
		case !strings.HasPrefix(name, prefix) || text == "" || serviceName.MatchString(name) || serviceURL.MatchString(entry):
			continue
		case name == FileVariable:
			file = text
			continue
		}
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Variable() == name })
		if i < 0 {
			return nil, "", unknownVariable(name)
		}
		texts[settings[i].Name] = text
	}
	return texts, file, nil
}

func unknownVariable(name string) error {
	names := []string{FileVariable}
	for _, s := range settings {
		names = append(names, s.Variable())
	}
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("unknown variable %s in the environment: did you mean %s?", name, near)
	}
	return fmt.Errorf("unknown variable %s in the environment: unset it; truecount serve --help has the names, as of flags", name)
}
