#!/usr/bin/perl
# 2-check - tamis check: rules that cannot work, each with its place and mend; summary and exit status
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 120;

# The output of a check of a configuration: (problems, summary, status). Paths of the work directory
# are left away.
sub check {
    my ($conf, @args) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\nmydestination = here.example\n$conf");
    my ($out, $err, $status) = run_tamis('', 'check', '-c', $path, @args);
    my $dir = workdir();
    $err =~ s{\Q$dir\E/}{}g;
    return ($err, $out, $status);
}

# A rule in a table used by a restriction, and all that is said about it.
sub rules {
    my ($conf, $type, @rows) = @_;
    while (my ($rule, $want) = splice @rows, 0, 2) {
        my $path = write_file('rules', "$rule\n");
        my ($err, $out, $status) = check($conf =~ s/TABLE/$type:$path/r . "\n");
        my $shown = $rule =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
        is($err, join('', map { "rules:$_\n" } ref $want ? @$want : $want eq '' ? () : "1: warning: $want"),
            "$type, $conf: $shown");
        is($status, 0, "$shown: usable");
    }
}

my $never = 'this key never matches:';

# --- keys
rules('client_restrictions = check_client_access TABLE', 'texthash',
    'host.example OK'       => '',
    '192.0.2.1 OK'          => '',
    '192.0.2 OK'            => '',
    '2001:db8 OK'           => '',
    '2001:db8::1 OK'        => '',
    'unknown OK'            => '',
    '.example OK'           => ".example: $never parent domains are looked up without the dot (parent_domain_matches_subdomains): write example",
    '@host.example OK'      => "\@host.example: $never a client is a host name or an address",
    'a@host.example OK'     => "a\@host.example: $never a client is a host name or an address",
    '192.0.2.0/24 OK'       => "192.0.2.0/24: $never a network in a table of whole keys: write 192.0.2",
    '10.0.0.0/8 OK'         => "10.0.0.0/8: $never a network in a table of whole keys: write 10",
    '192.0.2.7/32 OK'       => "192.0.2.7/32: $never a network in a table of whole keys: write 192.0.2.7",
    '192.0.2.0/25 OK'       => "192.0.2.0/25: $never a network in a table of whole keys: use a cidr: table",
    '[2001:db8::]/32 OK'    => "[2001:db8::]/32: $never a network in a table of whole keys: use a cidr: table",
    '0.0.0.0/0 OK'          => "0.0.0.0/0: $never a network in a table of whole keys: use a cidr: table",
    '[192.0.2.1] OK'        => "[192.0.2.1]: $never addresses stand without brackets: write 192.0.2.1",
    '192.0.2. OK'           => "192.0.2.: $never networks end without a dot: write 192.0.2",
    '192.0.2.* OK'          => "192.0.2.*: $never * is no wildcard: write 192.0.2",
    '*.example OK'          => "*.example: $never * is no wildcard: write example",
    '* OK'                  => "*: $never * is no wildcard: use a pcre: table",
    'mail*.example OK'      => "mail*.example: $never * is no wildcard: use a pcre: table",
    '2001:DB8:0:0::1 OK'    => "2001:DB8:0:0::1: $never addresses are looked up in their short form: write 2001:db8::1",
    '2001:DB8::1 OK'        => '',
);
rules('sender_restrictions = check_sender_access TABLE', 'hash',
    'a@x.example OK'        => '',
    'x.example OK'          => '',
    'a@ OK'                 => '',
    '<> OK'                 => '',
    'a*b@x.example OK'      => '',
    '@x.example OK'         => "\@x.example: $never in access tables a domain stands without \@: write x.example",
    '.x.example OK'         => ".x.example: $never parent domains are looked up without the dot (parent_domain_matches_subdomains): write x.example",
    '*@x.example OK'        => "*\@x.example: $never * is no wildcard: write x.example",
    'a@* OK'                => "a\@*: $never * is no wildcard: write a@",
    'a@*.example OK'        => "a\@*.example: $never * is no wildcard: use a pcre: table",
    '<a@x.example> OK'      => "<a\@x.example>: $never addresses stand without < >: write a\@x.example",
    '192.0.2.0/24 OK'       => "192.0.2.0/24: $never a network is no mail address",
);
rules('helo_restrictions = TABLE', 'texthash',
    '[192.0.2.1] OK'        => '',
    '.example OK'           => ".example: $never parent domains are looked up without the dot (parent_domain_matches_subdomains): write example",
    '192.0.2.0/24 OK'       => "192.0.2.0/24: $never a network is no name",
);
rules('recipient_restrictions = check_sasl_access TABLE', 'texthash', '*@.x/8 OK' => '');
rules("parent_domain_matches_subdomains =\nclient_restrictions = TABLE", 'texthash', '.example OK' => '');
rules('recipient_restrictions = TABLE', 'pcre', '/^@x/ OK' => '', '/10.0.0.0\/8/ OK' => '');

# --- values
my $list = 'sender_restrictions = check_sender_access TABLE';
rules($list, 'texthash', map { my ($value, $want) = @$_; ("k $value" => $want && "k: $want") } (
    ['REJECT', ''], ['reject text', ''], ['DEFER_IF_PERMIT', ''], ['WARN', ''], ['INFO x', ''], ['HOLD', ''],
    ['DISCARD', ''], ['permit', ''], ['reject_non_fqdn_sender, reject', ''], ['450 4.7.1 wait', ''], ['12345', ''],
    ['550', '550 without a text is a number, and a number permits: write 550 TEXT, or REJECT'],
    ['450', '450 without a text is a number, and a number permits: write 450 TEXT, or REJECT'],
    ['600 x', '600 is no reply code (4NN or 5NN): answers 451 4.3.5'],
    ['45 x', '45 is no reply code (4NN or 5NN): answers 451 4.3.5'],
    ['REJET spam', '"REJET spam" is neither an action nor a list of restrictions: answers 451 4.3.5; did you mean REJECT'],
    ['FROBNICATE', '"FROBNICATE" is neither an action nor a list of restrictions: answers 451 4.3.5'],
    ['check_client_access hash:/x', '"check_client_access hash:/x" is neither an action nor a list of restrictions: answers 451 4.3.5'],
    ['REJECT 5.1.7 x', ''],
    ['REJECT 5.1.1 x', '5.1.1 does not speak of a Sender address: the client sees 5.1.7'],
    ['REJECT 4.7.1 x', '4.7.1 goes with a reply of class 5: the client sees 5.7.1'],
    ['DEFER 5.7.1 x', '5.7.1 goes with a reply of class 4: the client sees 4.7.1'],
    ['550 4.7.9 x', '4.7.9 goes with a reply of class 5: the client sees 5.7.9'],
    ['FILTER smtp:[127.0.0.1]', 'FILTER cannot be done by a milter: keep this rule in Postfix; skipped when it fires'],
    ['reject_unverified_sender', 'reject_unverified_sender stays in Postfix: keep this rule there; skipped when it fires'],
    ['permit_mynetworks, greylist, reject_unlisted_sender', 'greylist stays in Postfix: keep this rule there; skipped when it fires'],
    ['REDIRECT joe', 'REDIRECT needs user@domain; skipped when it fires'], ['REDIRECT joe@x', ''],
    ['BCC joe', 'BCC needs user@domain; skipped when it fires'],
    ['PREPEND X-A: b', ''], ['PREPEND text', 'PREPEND needs a header field, "Name: text"; skipped when it fires'],
));
rules('client_restrictions = TABLE', 'texthash',
    'h REJECT 5.1.1 x' => 'h: 5.1.1 does not speak of a Client host: the client sees 5.0.0');
rules('client_restrictions = check_reverse_client_hostname_access TABLE', 'texthash',
    'h OK' => 'h: OK is not allowed for a name that anybody can forge and answers 451 4.3.5: write DUNNO');
rules('end_of_data_restrictions = check_sender_access TABLE', 'texthash',
    'h PREPEND A: b' => 'h: PREPEND must be used before end_of_data_restrictions; skipped when it fires');
rules($list, 'pcre',
    '/^(a)/ $1'     => '',
    '/a/ 550'       => '/a/: 550 without a text is a number, and a number permits: write 550 TEXT, or REJECT',
    '/a/'           => 'no result: when this rule matches, the lookup fails (451); write a result, such as DUNNO',
);

# --- characters
rules($list, 'texthash',
    "k REJECT \xc3\xa9"         => '',
    "k REJECT \xe9"             => "not UTF-8: line skipped; if the file is in Latin-1: iconv -f LATIN1 -t UTF-8 rules",
    "k REJECT l\xe2\x80\x99a"   => ['1: note: a typographic quote (U+2019) in the text: it is sent as it is'],
    "k REJECT a\xc2\xa0!"       => ['1: note: a no-break space (U+00A0) in the text: it is sent as it is'],
    "k\xe2\x80\x9d REJECT"      => 'a typographic quote (U+201D) in front of the text; write "',
    "\xef\xbb\xbfk REJECT"      => 'a byte order mark (U+FEFF) in front of the text; write nothing',
);
rules($list, 'texthash', "k REJECT\xc2\xa0no" => ['1: warning: a no-break space (U+00A0) in front of the text; write a plain space',
    "1: warning: k: \"REJECT\xc2\xa0no\" is neither an action nor a list of restrictions: answers 451 4.3.5"]);
rules($list, 'pcre', "/k/\xc2\xa0OK" => ['1: warning: a no-break space (U+00A0) in front of the text; write a plain space',
    "1: warning: unknown flag \"\xc2\" behind the pattern (is a blank missing in front of the result?): line skipped"]);

# --- the whole
my $rules = write_file('many', join '', map { "\@d$_.example OK\n" } 1 .. 25);
my $few = write_file('few', join '', map { "\@d$_.example OK\n" } 1 .. 21);
my ($err, $out, $status) = check("sender_restrictions = check_sender_access texthash:$rules\n");
is(scalar(() = $err =~ /^many:\d+: warning: \@d\d+\.example: /mg), 20, '20 problems of one table');
like($err, qr/^many:21: warning: and 5 more from here on; -v shows all\n\z/m, 'and how many more');
is("$out$status", "usable: 0 errors, 25 warnings\n0", 'all count');
($err) = check("sender_restrictions = check_sender_access texthash:$rules\n", '-v');
is(scalar(() = $err =~ /^many:\d+: warning: \@d/mg), 25, 'all with -v');
($err) = check("sender_restrictions = check_sender_access texthash:$few\n");
is(scalar(() = $err =~ /^few:\d+: warning: \@d/mg), 21, 'one more is shown');
($err, $out, $status) = check(join '', map { "nonsense$_ = 1\n" } 1 .. 30);
is(scalar(() = $err =~ /^milter\.conf:\d+: error: /mg), 30, 'of the configuration all problems are told');
is("$out$status", "unusable: 30 errors, 0 warnings\n78", 'unusable');
($err, $out, $status) = check('');
is("$err$out$status", "usable: 0 errors, 0 warnings\n0", 'nothing to say');
($err, $out, $status) = check("sender_restrictions = check_sender_access texthash:$rules\nstrict_tables = yes\n"
    . 'recipient_restrictions = check_recipient_access texthash:' . write_file('latin', "k \xe9\n"));
is($status, 78, 'strict: a line that is skipped is an error');
like($err, qr/^latin:1: error: not UTF-8: line skipped/m, 'with its place');
my $cidr = write_file('cidr', "10.0.0.0/8 REJECT\n");
($err) = check("sender_restrictions = check_sender_access cidr:$cidr\n");
like($err, qr/^milter\.conf:3: warning: check_sender_access cidr:cidr never finds anything: /, 'cidr for mail addresses');
my $twice = write_file('twice', "\@x OK\n");
($err) = check("incoming_sender_restrictions = check_sender_access texthash:$twice\nrecipient_restrictions = check_sender_access texthash:$twice\n");
is(scalar(() = $err =~ /^twice/mg), 1, 'what is used twice in one way is told once');
($err, $out, $status) = check("sender_restrictions = texthash:/nonexistent/rules\n");
like($err, qr{^milter\.conf:3: error: /nonexistent/rules: no such file}, 'a missing table');
is($status, 78, 'is an error');
($out, $err, $status) = (run_tamis('', 'check', '-c', '/nonexistent/milter.conf'));
is($status, 78, 'a missing configuration');

# --- classes that only tables name
my $by_table = 'recipient_restrictions = check_recipient_access inline:{a@here.example=gate}' . "\nrestriction_classes = gate\n";
($err, undef, $status) = check("${by_table}gate = permit_mynetwork, check_sender_access\n");
is($err, "milter.conf:5: error: class gate: permit_mynetwork: nobody knows this restriction: did you mean permit_mynetworks?\n"
    . "milter.conf:5: error: class gate: check_sender_access: needs a lookup table behind it, TYPE:FILE\n", 'what is wrong in such a class is told');
is($status, 78, 'as in a list: who meets it would be let in unchecked');
is(join('', check("${by_table}gate = hold_dkim_fail\n")), "milter.conf:3: warning: a\@here.example: the class gate cannot be used in "
    . "recipient_restrictions: answers 451 4.3.5\nusable: 0 errors, 1 warning\n0", 'one for the end of data is right there alone');
is(join('', check(($by_table =~ s/^recipient_restrictions/end_of_data_restrictions/r) . "gate = hold_dkim_fail\n")), "usable: 0 errors, 0 warnings\n0", 'and there it is');
($err) = check("${by_table}gate = check_policy_service inet:127.0.0.1:10023\n");
is($err, "milter.conf:5: note: class gate: check_policy_service: stays in Postfix (keep it in main.cf); skipped here\n", 'and what is skipped');
($err) = check("${by_table}gate = permit_mynetworks, check_client_access texthash:/nonexistent/x\n");
like($err, qr{^milter\.conf:5: error: class gate: /nonexistent/x: no such file}m, 'and a table that is not there');

# --- classes with names that mean something to tamis, but nothing to Postfix
sub named {
    my ($name) = @_;
    return check("recipient_restrictions = check_recipient_access inline:{a\@here.example=$name}\n"
        . "smtpd_restriction_classes = $name\n$name = reject_non_fqdn_sender, permit\n");
}
for my $name (qw(greylist reject_spf_fail)) {
    is(join('', named($name)), "usable: 0 errors, 0 warnings\n0", "a class may be called $name");
}
for my $name (qw(strict outgoing)) {
    is((named($name))[0], "milter.conf:5: note: $name is a class of restriction_classes; the parameter $name keeps its preset\n",
        "and $name");
}
like((named($_))[0], qr/^milter\.conf:\d: error: restriction_classes: $_ is a/m, "but not $_")
    for qw(reject_unknown_client mynetworks sender_restrictions mode outgoing_header_checks incoming_nested_header_checks);
{
    my $class = "restriction_classes = strict\nstrict = permit_mynetworks, reject\n";
    is((check("strict = yes\n$class"))[0], "milter.conf:5: warning: strict was already set in line 3; this value replaces it: remove one of them\n"
        . "milter.conf:5: error: restriction_classes: strict is a parameter, too, and set more than once: choose another name for the class\n",
        'a parameter that was set is not lost to a class');
    is((check($class, '-o', 'strict=reject'))[2], 78, 'nor one of the command line');
}
{
    my $conf = write_file('milter.conf', "postfix_config_directory =\nmydestination = here.example\nrestriction_classes = strict, greylist\n"
        . "strict = check_sender_access inline:{{<>=REJECT strictly}}\ngreylist = defer\n"
        . 'recipient_restrictions = check_recipient_access inline:{a@here.example=strict, b@here.example=greylist}' . "\n");
    my ($out) = run_tamis("mail <>\nrcpt <a\@here.example>\nrcpt <b\@here.example>\n", 'test', '-c', $conf, '--session', '-');
    is($out, "250 2.0.0 Ok\n554 5.7.1 <>: Sender address rejected: strictly\n450 4.3.2 <b\@here.example>: Recipient address rejected: Try again later\n",
        'and they do what they say');
}

# --- what stays in Postfix: does it have it?
{
    mkdir workdir() . '/postfix';
    my $list = "recipient_restrictions = reject_unlisted_sender, check_policy_service inet:127.0.0.1:10023, reject_unlisted_recipient\n";
    my $kept = sub {
        my ($main, $master) = @_;
        write_file('postfix/main.cf', $main);
        write_file('postfix/master.cf', $master // '');
        my ($said) = check($list, '-o', 'postfix_config_directory=' . workdir() . '/postfix');
        return join ' ', $said =~ /(note|warning): recipient_restrictions/g;
    };
    is($kept->(''), 'warning warning note', 'Postfix has none but what it does by itself');
    is($kept->("smtpd_recipient_restrictions = reject_unlisted_sender, check_policy_service inet:127.0.0.1:10023\n"), 'note note note', 'it has all');
    is($kept->("smtpd_recipient_restrictions = check_policy_service { inet:127.0.0.1:10023, timeout=5s }\n"), 'warning note note', 'with options');
    $list =~ s/(inet:\S+),/{ $1, default_action=DUNNO },/;
    is($kept->("smtpd_recipient_restrictions = check_policy_service {inet:127.0.0.1:10023, timeout=5s}\n"), 'warning note note', 'on both sides');
    $list =~ s/\{ (\S+), .*? \}/$1/;
    is($kept->("smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:9998\n"), 'warning warning note', 'another service');
    is($kept->("smtpd_reject_unlisted_sender = yes\nsmtpd_reject_unlisted_recipient = no\n"), 'note warning warning', 'by other parameters');
    is($kept->('', "smtp inet n - n - - smtpd\n  -o { smtpd_sender_restrictions = reject_unlisted_sender }\n#  -o smtpd_client_restrictions=check_policy_service,inet:127.0.0.1:10023\n"),
        'note warning note', 'in master.cf');
    like((check($list, '-o', 'postfix_config_directory=' . workdir() . '/postfix'))[0],
        qr/^milter\.conf:3: warning: recipient_restrictions: check_policy_service: is skipped here, and Postfix has it no more: put it back into main\.cf$/m, 'with the mend');
}

# --- clients that a table let relay
{
    my $table = write_file('pop', "192.0.2.7 OK\n");
    my $relay = sub {
        my ($list, $main) = @_;
        write_file('postfix/main.cf', $main);
        my ($said) = check("recipient_restrictions = permit_mynetworks, $list\n", '-o', 'postfix_config_directory=' . workdir() . '/postfix');
        return $said;
    };
    my $told = "milter.conf:3: warning: check_client_access texthash:pop permits relaying no more: Postfix decides first, and main.cf does not "
        . "have it: put it in front of reject_unauth_destination in smtpd_relay_restrictions there\n";
    my $list = "check_client_access texthash:$table, reject_unauth_destination";
    is($relay->($list, "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"), $told, 'POP before SMTP');
    is($relay->($list, "dir = /x\nsmtpd_relay_restrictions = permit_mynetworks, check_client_access hash:\$dir/pop, reject_unauth_destination\n"), '', 'main.cf has it');
    is($relay->("reject_unauth_destination, check_client_access texthash:$table", "x = y\n"), '', 'behind the guard it permits no relaying');
    is($relay->("warn_if_reject $list", "x = y\n"), '', 'nor by way of trial');
    is($relay->("check_client_access texthash:" . write_file('black', "192.0.2.7 REJECT\n") . ', reject_unauth_destination', "x = y\n"), '', 'nor where it only refuses');
    is($relay->("check_recipient_access texthash:" . write_file('role', "abuse\@ OK\n") . ', reject_unauth_destination', "x = y\n"), '',
        'what says OK to recipients of this site');
}

# --- rules in braces, as of Postfix 3.7
for my $type (qw(pcre regexp cidr)) {
    my ($said, undef, $code) = check("client_restrictions = check_client_access $type:{{/^a b/ OK}, {/c/ REJECT}}\n");
    is($said, "milter.conf:3: error: $type:{{/^a b/ OK}, {/c/ REJECT}}: tamis reads no rules out of { }: write each on a line of a file, and $type:FILE here\n",
        "$type: told what to write");
    is($code, 78, 'as an error');
}

# --- no destinations
sub no_destinations {
    my ($name, $conf, $line) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\nmydestination =\n$conf");
    my (undef, $said, $code) = run_tamis('', 'check', '-c', $path);
    my $what = $conf =~ /((?:reject|defer)_unauth\w+)/ ? $1 : '';
    is($code, defined $line ? 78 : 0, "$name: status");
    is(scalar(() = $said =~ /^\Q$path\E:$line: error: $what would refuse every recipient, because no destination is known: /mg), 1,
        "$name: told once, with its place") if defined $line;
}
no_destinations('in a list', "relay_restrictions = permit_mynetworks, reject_unauth_destination\n", 3);
no_destinations('in a class', "relay_restrictions = stern\nrestriction_classes = stern\nstern = defer_unauth_destination\n", 5);
no_destinations('in a class of a class', "relay_restrictions = lax\nrestriction_classes = lax stern\nlax = stern\nstern = reject_unauth_destination\n", 6);
no_destinations('in a class for table values', "restriction_classes = stern\nstern = reject_unauth_destination\n", 4);
no_destinations('not at all', "restriction_classes = lax\nlax = permit\nrelay_restrictions = lax\n");

# --- what is pasted from elsewhere
like((check("KeyTable = /etc/opendkim/KeyTable\n"))[0],
    qr{^milter\.conf:3: error: KeyTable is a setting of OpenDKIM or dkim-filter: write key_table = /etc/opendkim/KeyTable$}m, "OpenDKIM's, with =");
like((check("selector = x\nsyslog_name = tamis-\$selector\n"))[0], qr/\A\z/, 'a name of our own stays one');
like((check("relay_restrictions = permit_mynetworks, /etc/postfix/access\n"))[0],
    qr{^milter\.conf:3: error: relay_restrictions: /etc/postfix/access: nobody knows this restriction: a table stands behind check_client_access or}m, 'a table without anything in front');

# --- the service user
SKIP: {
    skip 'needs root, and a user nobody', 13 if $> != 0 || !getpwnam 'nobody';
    chmod 0755, workdir();
    my $secret = write_file('secret', "k OK\n");
    my $conf = "user = nobody\nsender_restrictions = check_sender_access texthash:$secret\n";
    is((check($conf))[2], 0, 'readable for the user');
    chmod 0600, $secret;
    my ($said, undef, $code) = check($conf);
    is($code, 78, 'not readable');
    like($said, qr/^milter\.conf:4: error: secret: permission denied for uid \d+; make the file readable/, 'with its place');
    like($said, qr/: nobody is stopped at secret$/m, 'and who is stopped where');
    mkdir workdir() . '/closed', 0700;
    write_file('closed/k', "k OK\n");
    ($said) = check("user = nobody\nsender_restrictions = check_sender_access texthash:@{[workdir()]}/closed/k\n");
    like($said, qr/^milter\.conf:4: error: closed\/k: permission denied.*: nobody is stopped at closed$/m, 'a directory');
    is((check("sender_restrictions = check_sender_access texthash:$secret\n"))[2], 0, 'no user: root reads it');
    ($said, undef, $code) = check("user = no-such-user-here\n");
    like($said, qr/^milter\.conf:3: error: user = no-such-user-here: there is no such user/, 'an unknown user');

    # what a first run as root leaves behind
    my $places = workdir() . '/places';
    mkdir $places;
    mkdir "$places/run";
    chown +(getpwnam 'nobody')[2], -1, $places, "$places/run";
    $conf = "user = nobody\nlog_file = $places/log.db\ncontrol_socket = $places/run/control\n";
    is(join('|', check($conf)), "|usable: 0 errors, 0 warnings\n|0", 'the user may write');
    write_file('places/log.db-wal', '');
    like((check($conf))[0], qr{^milter\.conf:4: warning: log_file = places/log\.db: nobody may not write it, so nothing would be logged: chown nobody places/log\.db\*$}m, 'a log of root');
    is((check($conf))[2], 0, 'with which it starts');
    unlink "$places/log.db-wal";
    chown 0, -1, "$places/run";
    ($said, undef, $code) = check($conf);
    is($said, "milter.conf:5: error: control_socket = places/run/control: nobody may not write in places/run: "
        . "chown nobody places/run, or name a directory of its own\n", 'a directory of root for the control socket');
    is($code, 78, 'with which it does not');
    chown 0, -1, $places;
    like((check($conf))[0], qr{^milter\.conf:4: warning: log_file = places/log\.db: nobody may not write in places: chown nobody places, or}m,
        'a directory of root for the log');
}

# --- fields that replays would need
{
    my $heads = write_file('heads', "/^Subject: buy/ REJECT\n/^(To|x-spam): yes/ REJECT\n/^subject: bad/ DISCARD\n/^X-Warn:/ WARN\n");
    my @notes = ('heads:1: note: the log keeps no Subject, so tamis replay will not know what this rule says: add Subject to evidence_headers',
        'heads:2: note: the log keeps no x-spam, so tamis replay will not know what this rule says: add x-spam to evidence_headers');
    my ($said) = check("header_checks = regexp:$heads\n");
    is_deeply([$said =~ /^(heads:.*)/mg], \@notes, 'fields that rules refuse by and the log does not keep, once each');
    ($said) = check("header_checks = regexp:$heads\nevidence_headers = to subject x-spam\n");
    unlike($said, qr/the log keeps/, 'they are kept');
    ($said) = check("header_checks = regexp:$heads\nevidence_headers =\n");
    unlike($said, qr/the log keeps/, 'nothing is kept');
    ($said) = check("header_checks = regexp:$heads\nlog_file =\n");
    unlike($said, qr/the log keeps/, 'there is no log');
}

# A file of keys that is not there would be found missing with the first question.
{
    my ($err, undef, $status) = check("dns_trust_anchor = /nonexistent/root.key\n");
    is($err, 'milter.conf:3: error: dns_trust_anchor: /nonexistent/root.key: No such file or directory; '
        . "give the file with the root's keys, or nothing\n", 'a trust anchor that is not there');
    is($status, 78, 'is an error');
}

done_testing;
