#include "ini.h"

#include <ctype.h>
#include <string.h>

static char *skip_space(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static char *trim_end(char *s)
{
	char *end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

/* Copies a name in lower case. */
static void copy_name(char *to, const char *from)
{
	while (*from)
		*to++ = (char)tolower((unsigned char)*from++);
	*to = 0;
}

int ini_parse(char *text, ini_handler handler, void *user)
{
	char section[INI_NAME_MAX] = "";
	int number = 0;

	while (text) {
		char *line = text;
		text = strchr(line, '\n');
		if (text)
			*text++ = 0;
		number++;

		line = trim_end(skip_space(line));
		if (*line == 0 || *line == ';' || *line == '#')
			continue;
		if (*line == '[') {
			char *close = strchr(line, ']');
			if (!close || close[1])
				return -number;
			*close = 0;
			copy_name(section, skip_space(line + 1));
			continue;
		}
		char *equals = strchr(line, '=');
		if (!equals || equals == line)
			return -number;
		*equals = 0;
		char key[INI_NAME_MAX];
		copy_name(key, trim_end(line));
		int stop = handler(user, section, key, skip_space(equals + 1));
		if (stop)
			return stop;
	}
	return 0;
}
