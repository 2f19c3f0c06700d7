#!/usr/bin/perl
# 2-check-patterns - tamis check: what is said about patterns, and that normal ones get no word
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 240;

# What check says about a table's text; paths of the work directory and times are left away.
sub check {
    my ($type, $text, @args) = @_;
    my $path = write_file('rules', $text);
    my $conf = write_file('milter.conf', "postfix_config_directory =\nmydestination = here.example\n"
        . "sender_restrictions = check_sender_access $type:$path\n");
    my ($out, $err, $status) = run_tamis('', 'check', '-v', '-c', $conf, @args);
    my $dir = workdir();
    $err =~ s{\Q$dir\E/}{}g;
    # IGNORE, A and B are no actions of access tables
    $err =~ s/^.*is neither an action nor.*\n//mg;
    return ($err, $status);
}

# Pairs of a rule (or lines of them) and the start of each message, "" for none.
sub rules {
    my ($type, @rows) = @_;
    while (my ($rule, $want) = splice @rows, 0, 2) {
        my ($err) = check($type, join '', map { "$_\n" } split /\n/, $rule);
        my @said = split /\n/, $err;
        my @want = ref $want ? @$want : $want eq '' ? () : "1: warning: $want";
        my $ok = @said == @want && !grep { index($said[$_], "rules:$want[$_]") != 0 } 0 .. $#want;
        ok($ok, "$type: $rule") or diag "said: $err";
    }
}

my $lost = 'a backslash seems to be lost: ';
my $explodes = 'the pattern explodes: ';
my $never = 'this rule never gets its turn: the one of line';

# --- lost backslashes
rules('pcre',
    '/^s*Content.(Disposition|Type).*names*=s*"?(.+.(bat|exe|com|scr|vbs))"?s*$/ REJECT' =>
        $lost . 'also matches name="rapport.telecom" (Content-Disposition: attachment; name="rapport.telecom"); '
        . 'was this meant: ^\s*Content.(Disposition|Type).*name\s*=\s*"?(.+\.(bat|exe|com|scr|vbs))"?\s*$',
    '/^\s*Content.(Disposition|Type).*name\s*=\s*"?(.+\.(bat|exe|com|scr|vbs))"?\s*$/ REJECT' => '',
    '/.exe$/ REJECT'                => $lost . 'also matches rapport.annexe; was this meant: \.exe$',
    '/name=.*.exe/ REJECT'          => $lost . 'also matches name=rapport.annexe; was this meant: name=.*\.exe',
    '/setup.exe"/ REJECT'           => $lost . 'also matches setupnexe"; was this meant: setup\.exe"',
    '/name="?[^"]*.(zip|rar)"?$/ REJECT' => $lost . 'also matches name="rapport.gunzip"; was this meant: name="?[^"]*\.(zip|rar)"?$',
    '/^s*X-A: b/ REJECT'            => $lost . 'also matches sX-A: b; was this meant: ^\s*X-A: b',
    '/^X-Id: d+$/ REJECT'           => $lost . 'also matches X-Id: d; was this meant: ^X-Id: \d+$',
    '/^X-Id:s*d{1,3}.d{1,3}$/ REJECT' => $lost . 'also matches X-Id:sdad; was this meant: ^X-Id:\s*\d{1,3}.\d{1,3}$',
    '/^X-Who: w+@w+$/ REJECT'       => $lost . 'does not match X-Who: a@a; was this meant: ^X-Who: \w+@\w+$',
    '/^Received: from S+ (S+ [S+])/ REJECT' => $lost . 'does not match Received: from a a S; was this meant: ',
    '/^X-Id: \d+$/ REJECT'          => '',
    '/^Subject: s+e+x+/ REJECT'     => '',
    '/^Subject:.*(pill|tablet)s*$/ REJECT' => '',
    '/^Subject:.*https*:/ REJECT'   => '',
    '/^Subject:.*viagra*/ REJECT'   => '',
    '/^Subject: big :D+/ REJECT'    => '',
    '/@example.com$/ REJECT'        => '',
    '/^To: .*recipients*/ REJECT'   => '',
    '/\.[a-z]+exe$/ REJECT'         => '',
    '/[.]exe$/ REJECT'              => '',
    '/s*/x REJECT'                  => '',
    '!/.exe$/ REJECT'               => '',
);
rules('regexp',
    "/a\\d/ OK\n/ad/ OK"            => ["1: warning: $lost"],
    '/^X-Id: \d+$/ REJECT'          => $lost . 'does not match X-Id: 1; was this meant: ^X-Id: [0-9]+$',
    '/.exe$/ REJECT'                => $lost . 'also matches rapport.annexe; was this meant: \.exe$',
    '/^X-A:s*b/ REJECT'             => $lost . 'also matches X-A:sb; was this meant: ^X-A:[[:space:]]*b',
    '/^X-Id: [0-9]+$/ REJECT'       => '',
    '/.exe$/!/a/ REJECT'            => '',
);

# --- patterns that explode
rules('pcre',
    '/^Subject: (a+)+$/ REJECT'             => $explodes . '266 bytes (Subject: aaaaaaaa',
    '/^Subject: Hello (\w+\s?)+end/ REJECT' => $explodes,
    '/^X-Spam: (x|xx)+$/ REJECT'            => $explodes . '265 bytes (X-Spam: xxxxxxxx',
    '/^(.*)*x$/ REJECT'                     => $explodes,
    '/^(([a-z])+.)+[A-Z]([a-z])+$/ REJECT'  => $explodes,
    '/^Subject:.*a.*a.*a.*b/ REJECT'        => $explodes,
    "if /^Subject: (a+)+\$/\n/b/ REJECT\nendif" => $explodes,
    '/^(?i)X-A: (a+)+$/ REJECT'             => '',
    '/^(?i)Subject: (a+)+$/ REJECT'         => $explodes,
    '/^Subject:.*foo.*bar.*baz/ REJECT'     => '',
    '/^Subject: a+b+c+$/ REJECT'            => '',
);
rules('regexp',
    '/(a*)*\1b/ REJECT'                     => $explodes,
    '/^Subject: (a+)+$/ REJECT'             => '',
    '/[a-z]+@[a-z]+\.com/ REJECT'           => '',
    '/^(.)(.)\2\1$/ REJECT'                 => '',
);

# --- rules in the shadow of earlier ones
my $two = sub { ["2: warning: $never 1 matches all"] };
rules('pcre',
    "/foo/ DUNNO\n/foobar/ OK"              => $two->(),
    "/foo/ OK\n/foo/ OK"                    => $two->(),
    "!/foo/ OK\n!/foo/ REJECT"              => $two->(),
    "/foo/ OK\n/FooBar/ OK"                 => $two->(),
    "/foo/ OK\n/^Subject:.*foobar\$/ OK"    => $two->(),
    "/^Subject: foo/ OK\n/^Subject: foobar/ OK" => $two->(),
    "/^Subject:.*foo/ OK\n/^Subject: buy foo now/ OK" => $two->(),
    "/^Subject:.*foo.*bar/ OK\n/^Subject: foo and bar/ OK" => $two->(),
    "/^Subject:.*/ OK\n/^Subject: (a|b)/ OK" => $two->(),
    "/a\\.b/ OK\n/xa\\.b/ OK"               => $two->(),
    "/.*/ OK\n/foo/ OK"                     => $two->(),
    "if /x/\n/foo/ OK\n/foobar/ OK\nendif"  => ["3: warning: $never 2 matches all"],
    "/foo/ OK\nif /x/\n/foobar/ OK\nendif"  => ["3: warning: $never 1 matches all"],
    "if /x/\n/foo/ OK\nendif\n/foobar/ OK"  => '',
    "if /x/\nif /y/\n/foo/ OK\nendif\n/foobar/ OK\nendif" => '',
    "if /x/\nif /y/\nendif\n/foo/ OK\nendif\n/foobar/ OK" => '',
    "if /x/\n/foo/ OK\nif /y/\nendif\n/foobar/ OK\nendif" => ["5: warning: $never 2 matches all"],
    "if /x/\n/foo/ OK\nendif\nif /x/\n/foobar/ OK\nendif" => '',
    "/foobar/ OK\n/foo/ OK"                 => '',
    "/foo/i OK\n/foobar/ OK"                => '',
    "/foo/ OK\n/fo.bar/ OK"                 => '',
    "/foo/ OK\n/fo?obar/ OK"                => '',
    "/foo/ OK\n/foobar|x/ OK"               => '',
    "/foo/ OK\n/(foobar)?x/ OK"             => '',
    "/foo/ OK\n/x(?!foo)/ OK"               => '',
    "!/foo/ OK\n/foobar/ OK"                => '',
    "/foo/ OK\n!/foobar/ OK"                => '',
    "/^foo/ OK\n/foobar/ OK"                => '',
    "/^foo/ OK\n/^.*foo/ OK"                => '',
    "/foo\$/ OK\n/foo bar\$/ OK"            => '',
    "/bar.*foo/ OK\n/foo and bar/ OK"       => '',
    "/foo.*foo/ OK\n/foobar/ OK"            => '',
    "/fo+/ OK\n/foobar/ OK"                 => '',
    "/a.*b/s OK\n/a.b/s OK"                 => '',
    "/foo/ OK\n/(?i)foobar/ OK"             => '',
    "/foo/A OK\n/xfoo/A OK"                 => '',
);
rules('regexp',
    "/foo/ OK\n/foobar/ OK"                 => $two->(),
    "/foo/!/x/ OK\n/foobar/ OK"             => '',
    "/foo/!/x/ OK\n/foo/!/x/ OK"            => $two->(),
    "/a.*b/m OK\n/aab/m OK"                 => '',
    "/foo/x OK\n/foobar/x OK"               => '',
);

# --- patterns that hold always; removal of Mime-Version; broken ifs
rules('pcre',
    '/a*/ OK'               => 'the pattern matches every text',
    '/viagra|/ OK'          => 'the pattern matches every text',
    '/(spam)?/ OK'          => 'the pattern matches every text',
    '/^/ OK'                => '',
    '/./ OK'                => '',
    '/.*/ OK'               => '',
    '/a+/ OK'               => '',
    '/^(?!.*@).*$/ OK'      => '',
    '/^(?!.*viagra)/ OK'    => '',
    '/(?<!x)$/ OK'          => '',
    '/^[^@]*(spam)?$/ OK'   => '',
    '/^[^@]*(spam)?/ OK'    => 'the pattern matches every text',
);
my ($err) = check('pcre', "/^Mime-Version:/ IGNORE\n/^Subject: x/ IGNORE\n/./ IGNORE\n");
like($err, qr/^rules:1: note: this removes Mime-Version: /m, 'Mime-Version is removed');
is(scalar(() = $err =~ /this removes/g), 1, 'only there');
for my $type (qw(pcre regexp)) {
    my $status;
    ($err, $status) = check($type, "if /(/\n/foo/ REJECT\nendif\n");
    like($err, qr/^rules:1: warning: broken if: bad pattern.*: THE IF IS DROPPED AND ITS RULES APPLY TO EVERYTHING/m, "$type: a broken if");
    is($status, 0, 'is a warning');
    ($err, $status) = check($type, "if /(/\n/foo/ REJECT\nendif\n", '-o', 'strict_tables=yes');
    like($err, qr/^rules:1: error: broken if: bad pattern/m, "$type: strictly");
    is($status, 78, 'it is an error');
}

# --- a text's end that regexp: does not see
my $regexp = write_file('long', "/end/ FOUND\n");
for (['x' x 8189 . 'end', 0], ['x' x 8190 . 'end', 1], ['x' x 300 . 'end', 1, '-o', 'regexp_text_limit=300']) {
    my ($key, $want, @args) = @$_;
    is((run_tamis("$key\n", 'query', '-o', 'postfix_config_directory=', @args, "regexp:$regexp", '-'))[2], $want,
        length($key) . " bytes @args");
}

# --- normal rules
my @names = qw(Subject From To Cc Reply-To Received X-Mailer Message-ID List-Id Return-Path Sender User-Agent);
my @words = qw(viagra rolex casino lottery replica pharmacy newsletter invoice bitcoin mortgage);
my @shapes = (
    '^NAME:.*WORD', '^NAME: .*WORD[0-9]+$', '^NAME:(.*)WORD-a(.*)\.net', '^NAME:\s*"?WORD-b"? <', '^NAME: WORD-c\s+\S+@\S+\.\S+',
    '^NAME:.*\bWORD-d\b.*\bnow\b', '^NAME:.*=\?(big5|koi8-r|WORD-e)\?', '^NAME:[^a-z]*[wW]-WORD-f', '^NAME:.*@(.+\.)?WORD-g\.com>?$',
    '^NAME:.*[vV][ _.*-]+[iI1!][ _.*-]+WORD-h', '^NAME:.*(free|cheap|buy).*(WORD-i|now).*[!?]{3,}', '^NAME:([^,]*,){20}.*WORD-j',
);
my @single = (
    '/^Content-(Type|Disposition):.*(file)?name\s*=\s*"?(.*\.(exe|scr|pif|bat|com|vbs|js))"?\s*(;|$)/ REJECT',
    '/^\s*Content-(Disposition|Type).*name\s*=\s*"?([^"]+\.(zip|rar|7z))"?\s*$/ REJECT',
    '/^Received: from \[?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\]? by (\S+)/ WARN $1',
    '/^\s*Received: from \S+ \(\S+ \[\S+\]\)(.*)/ WARN $1',
    '/^(X-Originating-IP|X-Mailer|User-Agent):/ WARN', '/^From: *toto*/ REJECT', '/^X-PHP-Script: (.*) for (.*)$/ WARN',
    '/[^[:print:]]{7}/ REJECT', '/^Date:.* (19[0-9][0-9]|200[0-9])/ REJECT', '/^Subject: [A-Z0-9 !]{30,}$/i REJECT',
    '/^([a-z0-9._-]+)@([a-z0-9-]+\.)+[a-z]{2,}$/ DUNNO', '/^<[^<>]+@[^<>]+>$/ WARN', '/\?{6,}/ REJECT', '/^\s+$/ DUNNO',
);
for my $type (qw(pcre regexp)) {
    my $count = my @rules = (@single, map { my $name = $_; map { my $word = $_; map { my $shape = $_;
        '/' . $shape =~ s/NAME/$name/r =~ s/WORD/$word/r . '/ REJECT' } @shapes[1 .. $#shapes] } @words[0 .. 2] } @names);
    @rules = grep { !m{^/\^Received: from} || $type eq 'pcre' } @rules;
    ($err) = check($type, join '', map { "$_\n" } @rules);
    is($err, '', "$type: $count normal rules");
    ($err) = check($type, join '', map { my $name = $_; map { "/^$name:.*$_/ REJECT\n" } @words } @names);
    is($err, '', "$type: and plain ones");
}

# A file of header_checks as they are found: one rule of it explodes, and is the only one that is warned of.
my $found = write_file('found', <<'RULES');
# attachments
/^Content-(Disposition|Type).*name\s*=\s*"?([^;]*(\.|=2E)(ade|adp|bas|bat|chm|cmd|com|cpl|dll|exe|hlp|hta|inf|ins|isp|js|jse|lnk|mdb|mde|msc|msi|msp|mst|pcd|pif|reg|scr|sct|shb|shs|url|vb|vbe|vbs|wsc|wsf|wsh))(\?=)?"?\s*(;|$)/x
  REJECT Attachment name "$2" may not end with ".$4"
/name=[^>]*\.(bat|com|exe|dll|vbs)/ REJECT no executables
/^\s*Content-(Disposition|Type).*name\s*=\s*"?(.+\.(lnk|asd|hlp|ocx|reg|bat|c[ho]m|cmd|exe|dll|vxd|pif|scr|hta|jse?|sh[mbs]|vb[esx]|ws[fh]|wmf))"?\s*$/ REJECT Attachment type not allowed. File "$2" has the unacceptable extension "$3"
# privacy
/^\s*(Received: from)[^\n]*(.*)/ REPLACE $1 [127.0.0.1] (localhost [127.0.0.1])$2
/^\s*User-Agent/        IGNORE
/^\s*X-Enigmail/        IGNORE
/^\s*X-Mailer/          IGNORE
/^\s*X-Originating-IP/  IGNORE
/^X-PHP-Originating-Script:/ IGNORE
# spam
/^Subject:.*\b(viagra|cialis|levitra)\b/ REJECT spam
/^Subject: *\[?(ADV|SPAM)\]?[ :]/ REJECT advertisement
/^Subject:\s*$/ WARN empty subject
/^Subject:.*=\?(GB2312|BIG5|KS_C_5601-1987|ISO-2022-KR|EUC-KR)\?/ REJECT charset
/^Subject:.*\s{10,}[a-z0-9]+$/ REJECT trailing id
/^From:.*<[^@>]+@[^>]*\.(top|xyz|click|loan|work)>/ REJECT tld
/^From:.*\bnoreply@example\.com\b/ PREPEND X-Source: noreply
/^(From|Return-Path):.*\b(user@domain\.tld)\b/ REJECT
/^Reply-To:.*@(.+\.)?mailbox\.example/ HOLD
/^Message-Id:\s*<\s*>/ REJECT Message-Id is empty
/^Message-Id:.*@localhost>/ WARN local id
/^Date:.*(19[0-9][0-9]|200[0-9]|201[0-9])/ WARN past date
/^To:.*undisclosed[- ]recipients/ WARN
/^(To|Cc):.*(,.*){50}/ WARN many recipients
/^X-Mailer: .*(The Bat!|Direct Email|Mass Mailer)/ REJECT mailer
/^X-Spam-Flag:\s*YES/ REDIRECT spam@example.org
/^X-Spam-(Status|Level|Score):/ IGNORE
/^List-Unsubscribe:.*mailto:/ PREPEND X-Bulk: yes
if /^Received:/
/^Received:.*\(\[?(10|127|192\.168)\./ DUNNO
/^Received:.*by dynamic\.example\.net/ REJECT dynamic
endif
if !/^Content-/
/[^[:print:]]{8}/ REJECT too many raw bytes
endif
/^Content-Type:.*charset="?(windows-1251|koi8-r)"?/ WARN charset
/^Content-Type:\s*application\/(x-msdownload|octet-stream);\s*name=.*\.zip/ INFO zip
/^Content-Transfer-Encoding:\s*base64/ DUNNO
/^Auto-Submitted:\s*auto-(generated|replied)/ PREPEND X-Auto: $1
/^Return-Receipt-To:/ IGNORE
/^Disposition-Notification-To:/ IGNORE
/^X-Priority: *1/ INFO urgent
/^Received: from .*\[(?!203\.0\.113\.)[0-9.]+\]/ DUNNO
/(?i)^x-bounce-(id|tag):\s+[0-9a-f]{32}$/ DUNNO
/^Authentication-Results:\s*mx\.example\.org/ IGNORE
/^\w+\.exe/ DUNNO
/^Subject: .{200,}/ WARN long
/^(?:Resent-)?From:\s*"?postmaster"?\s*</ WARN
/^Subject: (Re: ?|Fwd: ?)*$/ WARN nothing
/^Content-Disposition: .*filename="[^"]+\.(docm|xlsm|pptm)"/ HOLD macros
/^Subject: .*[\x80-\xff]{4}/ WARN raw 8-bit
RULES
my $found_conf = write_file('milter.conf', "postfix_config_directory =\nheader_checks = pcre:$found\n");
my (undef, $found_err, $found_status) = run_tamis('', 'check', '-c', $found_conf);
is($found_status, 0, 'a file as they are found: usable');
is_deeply([map { /^\Q$found\E:(\d+): warning: (the pattern explodes|.*)/ ? "$1 $2" : () } split /\n/, $found_err], ['27 the pattern explodes'],
    'and one warning') or diag $found_err;

done_testing;
