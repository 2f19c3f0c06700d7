#!/usr/bin/perl
# 0-docs - the manual names every parameter, subcommand and restriction; its examples work
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

alarm 120;
my $top = $ENV{srcdir} // '.';
my $tamis = $ENV{TAMIS} // '';
my $dir = tempdir(CLEANUP => 1);

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return undef;
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";
}

sub none {
    my ($name, @wrong) = @_;
    ok(!@wrong, $name) or diag map { "$_\n" } @wrong;
}

# Exit status and everything printed.
sub run {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT or die;
        open STDIN, '<', '/dev/null' or die;
        exec @command or exit 127;
    }
    local $/;
    my $text = <$out> // '';
    close $out;
    return ($? >> 8, $text);
}

sub in_path { my ($name) = @_; return grep { -x "$_/$name" } split /:/, $ENV{PATH} }

# Has this tamis got the subcommand? A program under construction may not.
sub has_command {
    my ($name) = @_;
    return 0 unless -x $tamis;
    my ($status, $text) = run($tamis, $name, '--help');
    return $status == 0 && $text =~ /tamis $name/;
}

my %man = map { $_ => slurp("$top/man/$_") }
    qw(tamis.8 milter.conf.5 tamis-log.5 tamis-rules.5);
my @c_files = glob "$top/milter/*.c";

# The literal block behind a heading.
sub block {
    my ($page, $heading) = @_;
    $man{$page} =~ /^\.S[hs] \Q$heading\E\n.*?^\.Bd -literal[^\n]*\n(.*?)^\.Ed/ms
        or return undef;
    my $text = $1;
    $text =~ s/\\e/\\/g;
    $text =~ s/\\&//g;
    return $text;
}

sub blocks {
    my ($page) = @_;
    my @found = $man{$page} =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed/msg;
    s/\\e/\\/g, s/\\&//g for @found;
    return @found;
}

subtest 'milter.conf(5) has every parameter, and no other' => sub {
    my %documented = map { $_ => 1 } $man{'milter.conf.5'} =~ /^\.It Sy (\w+) No \(preset: /mg;
    my $source = slurp("$top/milter/settings.c") // plan skip_all => 'no milter/settings.c';
    my ($rows) = $source =~ /settings_rows\[\]\s*=\s*\{(.*?)^\};/ms;
    my %preset;
    while ($rows =~ /^\s+[A-Z_]+\(\s*(?:PARAM_\w+,\s*)?([a-z]\w+),\s*(?:"([^"]*)",)?/mg) {
        my ($name, $value) = ($1, $2);
        $preset{$name} = $rows =~ /^\s+CHECKS\($name,/m ? undef : $value;
    }
    cmp_ok(scalar keys %preset, '>', 50, 'rows were found');
    none('undocumented', grep { !$documented{$_} } sort keys %preset);
    none('documented without need', grep { !$preset{$_} && !exists $preset{$_} }
        sort keys %documented);
    my @differ;
    for my $name (sort keys %preset) {
        next unless defined $preset{$name} && length $preset{$name} && $preset{$name} !~ /[\$ ]/;
        $man{'milter.conf.5'} =~ /^\.It Sy $name No \(preset: ([^;)]*)/m or next;
        push @differ, "$name: $preset{$name}, in the manual $1"
            if $1 ne $preset{$name} && $1 !~ / /;
    }
    none('presets differ', @differ);
};

subtest 'tamis conf -d agrees with milter.conf(5)' => sub {
    plan skip_all => 'no tamis conf' unless has_command('conf');
    my ($status, $text) = run($tamis, 'conf', '-d');
    is($status, 0, 'tamis conf -d') or diag $text;
    my %shown = map { $_ => 1 } $text =~ /^(\w+) =/mg;
    none('undocumented', grep { $man{'milter.conf.5'} !~ /^\.It Sy $_ No \(preset: /m }
        grep { !/^(?:incoming|outgoing)_/ } sort keys %shown);
};

subtest 'tamis(8) has every subcommand' => sub {
    my %documented = map { $_ => 1 } $man{'tamis.8'} =~ /^\.Ss tamis (\w+)$/mg;
    my $main = slurp("$top/milter/main.c");
    my %known = map { $_ => 1 } $main =~ /\{\s*"(\w+)",\s*\w*cmd_\w+/g;
    for my $file (@c_files) {
        $known{$_} = 1 for slurp($file) =~ /^int cmd_(\w+)\(int argc/mg;
    }
    ok(%known, 'subcommands were found');
    none('undocumented', grep { !$documented{$_} } sort keys %known);
    my $complete = grep { $_ eq 'milter' } keys %known;
    SKIP: {
        skip 'the program is not whole', 1 unless $complete;
        none('documented without need', grep { !$known{$_} } sort keys %documented);
    }
};

subtest 'tamis-rules(5) has every restriction' => sub {
    my %known;
    for my $file (@c_files) {
        my $text = slurp($file);
        while ($text =~ /^(?:static )?const struct restriction rows_\w+\[\]\s*=\s*\{(.*?)^\};/msg) {
            my $rows = $1;
            $known{$_} = 1 for $rows =~ /(?:\.name = |^\s+[A-Z_]+\()"([a-z_]+)"/mg;
        }
    }
    plan skip_all => 'no rows of restrictions' unless %known;
    cmp_ok(scalar keys %known, '>', 60, 'rows were found');
    none('undocumented', grep { $man{'tamis-rules.5'} !~ /(?<!\w)$_(?!\w)/ } sort keys %known);
};

subtest 'tamis-rules(5) has every ACTION_METHOD_RESULT, as a pattern' => sub {
    my $source = slurp("$top/milter/check_method.c") // plan skip_all => 'no milter/check_method.c';
    my @actions = $source =~ /^\s+METHODS\(ROW, (\w+),/mg;
    my @methods = (($source =~ /^\s+SPF_RESULTS\(ROW, action, ACT, (\w+),/mg), 'iprev', 'dkim');
    my %results = map { $_ => 1 } $source =~ /^\s+ROW\(action, ACT, \w+, (\w+),/mg;
    is_deeply([scalar @actions, scalar @methods, scalar keys %results], [4, 4, 8], 'rows were found');
    none('undocumented', grep { $man{'tamis-rules.5'} !~ /(?<!\w)$_(?!\w)/ }
        map { my $action = $_; map { "${action}_${_}_RESULT" } @methods } @actions);
    none('results that are not explained', grep { $man{'tamis-rules.5'} !~ /^\.It Sy $_$/m }
        sort keys %results);
};

SKIP: {
    skip 'no groff', 1 unless in_path('groff');
    my @wrong;
    for my $page (sort keys %man) {
        my $pid = open(my $err, '-|') // die "fork: $!";
        if ($pid == 0) {
            open STDERR, '>&', \*STDOUT or die;
            open STDOUT, '>', '/dev/null' or die;
            exec qw(groff -mdoc -Tutf8 -ww), "$top/man/$page" or exit 127;
        }
        push @wrong, map { chomp; "$page: $_" } <$err>;
        close $err;
        push @wrong, "$page: groff failed" if $?;
    }
    # A groff without mdoc macros cannot judge.
    skip 'groff has no mdoc', 1 if grep { /cannot open macro|can't open.*mdoc|can't find macro/ } @wrong;
    none('groff has nothing to say about the manual', @wrong);
}

SKIP: {
    skip 'no mandoc', 1 unless in_path('mandoc');
    my ($status, $text) = run(qw(mandoc -T lint -W warning), map { "$top/man/$_" } sort keys %man);
    is($text, '', 'mandoc has nothing to say about the manual');
}

subtest 'what is shipped is accepted' => sub {
    plan skip_all => 'no tamis check' unless has_command('check');
    my ($status, $text) = run($tamis, 'check', '-c', "$top/milter.conf",
        '-o', 'postfix_config_directory=');
    is($status, 0, 'milter.conf');
    unlike($text, qr/(?:warning|error):/, 'without warnings');
    unlike($text, qr{not found|No such file}, 'its tables are there') or diag $text;

    # Every line that is commented out must be acceptable, too.
    my $conf = slurp("$top/milter.conf");
    $conf =~ s/^#(?=\w+ =)//mg;
    $conf =~ s/^(?:user|log_file) = .*$//mg;
    $conf =~ s{^postfix_config_directory.*$}{postfix_config_directory =}m;
    mkdir "$dir/rules" or die;
    spew('milter.conf', $conf);
    for my $file (glob "$top/rules/*") {
        my $rules = slurp($file);
        $rules =~ s/^#(?=\S+ +(?:OK|REJECT|DEFER|DISCARD|HOLD|BCC|[45]\d\d )\b)//mg;
        spew('rules/' . ($file =~ s{.*/}{}r), $rules);
    }
    ($status, $text) = run($tamis, 'check', '-c', "$dir/milter.conf");
    is($status, 0, 'milter.conf and rules with all examples in force') or diag $text;
    unlike($text, qr/(?:warning|error):/, 'without warnings') or diag $text;
};

subtest 'examples of the manual are accepted' => sub {
    plan skip_all => 'no tamis check' unless has_command('check');
    mkdir "$dir/rules";
    my %table = (client => 'Lines', 'client.cidr' => 'Networks', 'sender.pcre' => 'Expressions');
    for my $name (sort keys %table) {
        my $text = block('tamis-rules.5', $table{$name});
        ok(defined $text, "tamis-rules(5), $table{$name}");
        spew("rules/$name", $text);
    }
    spew("rules/$_", slurp("$top/rules/$_")) for qw(sender helo recipient);
    my @examples = grep { /^\w+ =/m } blocks('milter.conf.5');
    cmp_ok(scalar @examples, '>=', 2, 'milter.conf(5) has examples');
    push @examples, grep { /^\w+ =/m } blocks('tamis-rules.5');
    push @examples, "sender_restrictions = check_sender_access pcre:rules/sender.pcre\n";
    push @examples, "sender_restrictions = check_sender_access regexp:rules/sender.pcre\n";
    for my $example (@examples) {
        spew('milter.conf', "postfix_config_directory =\nmyhostname = mail.example.com\n$example");
        my ($status, $text) = run($tamis, 'check', '-c', "$dir/milter.conf");
        is($status, 0, 'usable: ' . ($example =~ /^(.*)$/m)[0]) or diag $text;
        unlike($text, qr/(?:warning|error):/, 'without warnings') or diag $text;
    }
};

subtest 'queries of the manual are accepted' => sub {
    my $schema = slurp("$top/sql/schema.sql") // plan skip_all => 'no sql/schema.sql';
    plan skip_all => 'no sqlite3' unless in_path('sqlite3');
    spew('all.sql', $schema);
    my ($status, $text) = run('sqlite3', '-bail', "$dir/log.db", ".read '$dir/all.sql'");
    is($status, 0, 'schema') or diag $text;
    my @queries = grep { /^\s*SELECT/ } blocks('tamis-log.5');
    push @queries, slurp("$top/README.md") =~ /^\s+(SELECT .*?;)$/msg;
    cmp_ok(scalar @queries, '>=', 5, 'there are queries');
    for my $query (@queries) {
        ($status, $text) = run('sqlite3', '-bail', '-readonly', "$dir/log.db", $query);
        is($status, 0, ($query =~ /^\s*(.*)$/m)[0]) or diag $text;
        is($text, '', 'an empty log has nothing to show');
    }
};

subtest 'tamis-log(5) has every column of the views' => sub {
    my $schema = slurp("$top/sql/schema.sql") // plan skip_all => 'no sql/schema.sql';
    my %views = $schema =~ /^CREATE VIEW (\w+)\s*\(([^)]*)\)/msg;
    is_deeply([sort keys %views], [qw(auth_rate check_result connection dead_rules
        decision evidence greylist_effect header_edit latency login_volume nodes policy policy_file question
        recipient rule_hits shadow signature since token top_rejects volume)], 'the views');
    for my $view (grep { $_ ne 'since' } sort keys %views) {
        my ($section) = $man{'tamis-log.5'} =~ /^\.Ss $view\n(.*?)^\.S[sh]/ms;
        none($view, grep { $section !~ /^\.It Sy (?:.* Sy )?$_\b/m } split /[\s,]+/, $views{$view});
    }
};

# The options of all subcommands are told once, in front. The default file's name is configure's.
subtest 'help is short, and tamis(8) has its options' => sub {
    plan skip_all => 'no program' unless -x $tamis;
    my ($common) = $man{'tamis.8'} =~ /^\.Ss Options of all subcommands\n(.*?)^\.S[sh]/ms;
    for my $name ($man{'tamis.8'} =~ /^\.Ss tamis (\w+)$/mg) {
        my ($status, $text) = run($tamis, $name, '--help');
        my @lines = split /\n/, $text;
        my ($section) = $man{'tamis.8'} =~ /^\.Ss tamis $name\n(.*?)^\.S[sh]/ms;
        is($status, 0, "$name --help");
        cmp_ok(scalar @lines, '<=', 24, "$name: lines");
        none("$name: wide lines", grep { length > 80 && !/ -c FILE / } @lines);
        none("$name: undocumented options", grep { "$section$common" !~ /\bFl -?\Q$_\E(?![\w])/ }
            map { s/^-//r } map { /^ +(?:-(\w))?,? *(-?-[a-z]+)?/ ? grep { defined } $1, $2 && substr $2, 1 : () }
            grep { /^ +-/ } @lines);
    }
};

subtest 'README names what exists' => sub {
    my $readme = slurp("$top/README.md");
    none('files', grep { !-e "$top/$_" } qw(bootstrap milter.conf HACKING.md LICENSE ChangeLog));
    my %documented = map { $_ => 1 } $man{'tamis.8'} =~ /^\.Ss tamis (\w+)$/mg;
    none('subcommands', grep { !$documented{$_} && $_ ne 'user' }
        $readme =~ m{(?:^[ ]{4}|`)(?:sudo )?(?:\./)?tamis ([a-z]+)}mg);
};

done_testing;
