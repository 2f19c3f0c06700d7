#!/usr/bin/perl
# 7-replies-random - random lists, tables and sessions: Postfix's own restrictions, tamis behind Postfix, a script
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Logins qw(login_server);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

# LONG=N: N times as many rounds; SEED: others than those of every day.
my $rounds = 2 * ($ENV{LONG} || 1);
my ($sites, $scenes) = (6, 30); # a round, and a site
alarm 60 * $rounds;
srand($ENV{SEED} // 20240301);

sub one_of { return $_[int rand @_] }
sub chance { return rand() < $_[0] }
sub some { my ($max, $make) = @_; return map { $make->() } 1 .. int rand($max + 1) }

# --- a site: lists, classes, tables, numbers

my @stages = qw(client helo sender relay recipient data end_of_data);
my @classes = qw(stern lax odd);
my @known; # those that may be named: a loop may end an smtpd 3.7
my @plain = qw(permit reject defer defer_if_permit defer_if_reject permit_mynetworks permit_sasl_authenticated
    permit_auth_destination reject_unauth_destination defer_unauth_destination reject_invalid_helo_hostname
    reject_non_fqdn_helo_hostname reject_non_fqdn_sender reject_non_fqdn_recipient permit_naked_ip_address
    reject_multi_recipient_bounce
    reject_plaintext_session permit_tls_all_clientcerts reject_invalid_hostname reject_non_fqdn_hostname
    reject_unknown_reverse_client_hostname reject_unknown_client_hostname);
my %keys = (
    client => ['a.example', 'b.a.example', '.a.example', 'example', 'unknown', '192.0.2', '192.0.2.7', '192', '127.0.0.9',
        '2001:db8::7', '2001:db8:', '2001:db8', 'w_x.example', 'UNKNOWN'],
    helo => ['a.example', 'h', 'b.a.example', '.a.example', '[192.0.2.7]', '192.0.2.7', '2.7]', 'example', '0.2.7', '.', 'x_y',
        "h\xc3\xa9"],
    sender => ['<>', 'u@a.example', 'u+e@a.example', 'a.example', '.a.example', 'u@', 'u+e@', 'example', 'V@B.A.example', '"a b"@a.example',
        'a b@a.example', 'root@test.example', 'test.example', '@a.example', 'null@key', "\xc3\xa9\@a.example", 'u-e@a.example', '"u"@a.example',
        'u%b.a.example@a.example', '[192.0.2.9]', 'a@b@a.example', 'u.@a.example', 'double', 'owner-x@', 'u.e@', "\xc3\x89\@a.example"],
    sasl => ['joe', 'Ann', 'joe@a.example', 'a b'],
);
$keys{recipient} = [@{ $keys{sender} }, 'u@y.example', 'y.example', 'r.example', 'u@sub.r.example', 'postmaster@y.example', 'postmaster@', 'postmaster@test.example'];
$keys{reverse_client_hostname} = $keys{client};
# Not an enhanced code alone: behind it smtpd reads on, past the end of the text.
my @texts = ('', '', '', ' text', ' 5.1.1 text', ' 4.7.1 t', ' 2.1.8 t', ' 5.1.7 two  words', ' 4.1.3 t', ' 5.1.10 t', ' 5.1 t', " t\xc3\xa9",
    " t\xe9", ' 5.7.1000 x', ' 5.7.100 x', " a\tb", ' <x> %s', ' 5.1.2   x');

sub value {
    my ($hostile) = @_;
    return one_of('DUNNO', 'OK', 'RELAY', 'REJECT', 'DEFER', 'REJECT', 'DEFER_IF_PERMIT', 'DEFER_IF_REJECT', 'HOLD', 'DISCARD', 'WARN', 'INFO',
        '450', '550', '421', '521', '554', '250', '5', '1234', 'reject', 'Defer_If_Permit', 'frob') . one_of(@texts) if chance(0.65);
    return join one_of(' ', ', ', ','), map { word('') } 1 .. 1 + int rand 3 if chance(0.7);
    return one_of('REDIRECT', 'BCC', 'PREPEND', 'redirect') . ' ' . one_of('x@else.example', 'nobody', 'X-A: b', 'X-A b', '');
}

my ($postfix, $files) = (undef, 0);

sub table {
    my ($of) = @_;
    my $keys = $keys{$of};
    my $kind = rand;
    return 'static:' . one_of('OK', 'DUNNO', 'REJECT', '{REJECT two words}', '{ DEFER_IF_PERMIT 4.1.1 x }', @known) if $kind < 0.1;
    return "inline:{{" . one_of(grep { !/ / } @$keys) . " = " . (value() =~ s/[{}\x80-\xff]//gr =~ s/[ \t]+\z//r || 'OK') . "}}" if $kind < 0.2;
    my (%seen, $text);
    if ($kind < 0.75) {
        for my $key (@$keys) {
            next if chance(0.65) || $seen{ lc $key }++ || $key =~ /\xc3\x89/;
            $text .= $key . one_of(' ', "\t") . value() . "\n";
        }
        return 'texthash:' . $postfix->file('table' . $files++, $text // "none OK\n");
    }
    my $type = $postfix->has_pcre ? one_of('pcre', 'regexp') : 'regexp';
    for (some(4, sub { 1 })) {
        my $pattern = chance(0.5) ? one_of('.', '^', '\\.', '@', 'e', 'A', '^u', 'example$', '^<>$', '[0-9]', '"', '%', '\\.example', '^\\[') : quotemeta one_of(@$keys);
        my $value = value();
        $pattern = "($pattern)" and $value = one_of('REJECT $1', '${1}', 'REJECT x$1', '$(1) text', '550 5.1.1 $1$$') if chance(0.1);
        $text .= (chance(0.15) && $value ne '' ? '!' : '') . "/$pattern/" . one_of('', '', '', 'i') . ' ' . ($value =~ s/%s//r) . "\n";
    }
    return "$type:" . $postfix->file('table' . $files++, $text // "/none/ OK\n") if $of ne 'client' || chance(0.6);
    $text = join '', map { one_of('', '', '!') . "$_ " . value() . "\n" } grep { chance(0.5) }
        '192.0.2.7', '192.0.2.0/24', '2001:db8::/32', '0.0.0.0/0', '::/0', '127.0.0.0/8';
    return 'cidr:' . $postfix->file('table' . $files++, length $text ? $text : "1.2.3.4 OK\n");
}

# A word of a list; $of: whose list, '' in a table's value, 'class' in a class.
sub word {
    my ($of) = @_;
    my $warn = chance(0.1) ? 'warn_if_reject ' : '';
    return $warn . one_of(@known) if @known && chance(0.15);
    return $warn . one_of(@plain) if $of eq '' || chance(0.45);
    my $kind = one_of(qw(client helo sender recipient sender recipient sasl reverse_client_hostname));
    my $table = table($kind);
    return $warn . table($of) if $of =~ /^(?:client|helo|sender|recipient)\z/ && chance(0.15);
    return $warn . "check_${kind}_access " . one_of('', '', '', 'proxy:') =~ s/proxy:$/''/er . $table;
}

sub list {
    my ($of) = @_;
    return join one_of(', ', ' ', ",\n\t"), some(4, sub { word($of) });
}

# Two hashes: what tamis and smtpd share, by names without smtpd_; what only this one has.
sub site {
    my %class;
    @known = ();
    for my $class (@classes) {
        $class{$class} = join ', ', map { word('class') } 1 .. 1 + int rand 3;
        push @known, $class;
    }
    my %site = map { ("${_}_restrictions" => chance($_ =~ /data/ ? 0.3 : 0.65) ? list($_ eq 'relay' ? 'recipient' : $_) : '') } @stages;
    # Postfix wants one that ends the way for strangers.
    $site{relay_restrictions} =~ s{(?<![\w:])permit(?!\w)}{permit_mynetworks}g;
    $site{relay_restrictions} .= ' reject_unauth_destination';
    return (
        %site, %class,
        delay_reject => chance(0.75) ? 'yes' : 'no',
        helo_required => chance(0.15) ? 'yes' : 'no',
        strict_rfc821_envelopes => chance(0.15) ? 'yes' : 'no',
        null_access_lookup_key => one_of('<>', '<>', 'null@key', 'double'),
        recipient_delimiter => one_of('', '+', '+', '-', '+-', '.'),
        parent_domain_matches_subdomains => one_of('smtpd_access_maps, relay_domains', 'relay_domains'),
        (map { $_->[0] => chance(0.2) ? one_of(@{ $_->[1] }) : $_->[2] } ['access_map_reject_code', [450, 550, 521], 554], ['access_map_defer_code', [451, 421], 450],
            ['reject_code', [450, 551], 554], ['defer_code', [451], 450], ['relay_domains_reject_code', [450, 550], 554],
            ['non_fqdn_reject_code', [450, 554], 504], ['invalid_hostname_reject_code', [450, 554], 501], ['multi_recipient_bounce_reject_code', [450], 550],
            ['plaintext_reject_code', [550], 450], ['unknown_client_reject_code', [550], 450]),
    );
}

my %not_smtpd = map { $_ => 1 } @classes, qw(recipient_delimiter parent_domain_matches_subdomains access_map_reject_code access_map_defer_code reject_code
    defer_code relay_domains_reject_code non_fqdn_reject_code invalid_hostname_reject_code multi_recipient_bounce_reject_code plaintext_reject_code
    unknown_client_reject_code strict_rfc821_envelopes);

sub for_smtpd {
    my (%site) = @_;
    return (map({ (($not_smtpd{$_} ? '' : 'smtpd_') . $_ => $site{$_}) } keys %site), smtpd_restriction_classes => "@classes",
        smtpd_reject_unlisted_recipient => 'no');
}

# --- a scene

my @addresses = ('<>', '<u@a.example>', '<U+E@A.example>', '<u+e@b.a.example>', '<u@y.example>', '<"a b"@a.example>', '<"u"@a.example>', 'u@a.example', '<u>',
    '<root>', '<@r.example:u@a.example>', '<@r.example,@q:u+e@y.example>', '<u@b.a.example>', '<v@B.a.example>',,
    '<u@r.example>', '<u@sub.r.example>', '<u@elsewhere.example>', "<\xc3\xa9\@a.example>", "<\xc3\x89\@a.example>", "<\xe9\@a.example>", '<u-e@a.example>', '<+e@a.example>',
    '<u@[192.0.2.9]>', '<"a@b"@a.example>', '<u@a.example.>', '<u@>', '<postmaster>', '<postmaster@y.example>', '<Postmaster>', '<PostMaster+x@y.example>', '<a\\ b@a.example>',
    '<u@host>',, '<owner-x@a.example>', '<u+e+f@a.example>', '<"u+e"@a.example>', "<u\@\xc3\xa9.example>", '<u.@a.example>',
    '<u@y.example> SIZE=10', 'u', '<u@test.example>', '<"">', '<""@a.example>', '<u.e@a.example>', '<@a.example>', '<u@.a.example>', '<u@a..example>',
    '<postmaster@test.example>', '<double-bounce>', '<u@@a.example>', '<a%b!c@a.example>', '<"a\\"b"@a.example>', '<mailer-daemon+x@a.example>', '<u@[IPv6:2001:db8::9]>',
    '<u@127.0.0.9>',, '<' . 'l' x 70 . '@a.example>', 'u+e@Y.example', '<u@-a.example>', '<u@a_b.example>');

sub scene {
    my ($must_greet) = @_;
    my $address = sub { return chance(0.5) ? $addresses[ int rand 24 ] : one_of(@addresses) };
    my ($name, $reverse) = (one_of(undef, 'a.example', 'B.a.example', 'x.b.a.example', 'h.c.example', 'w_x.example'), undef);
    $reverse = $name // one_of(undef, undef, 'forged.a.example', 'h.c.example');
    return {
        client => { name => $name, reverse_name => $reverse, login => chance(0.25) ? one_of('joe', 'Ann', 'joe@a.example') : undef,
            addr => one_of('192.0.2.7', '192.0.2.8', '198.51.100.1', '127.0.0.9', '2001:db8::7', '2001:db8:1:2::9', '::ffff:192.0.2.7') },
        helo => $must_greet || chance(0.9) ? one_of('a.example', 'h', 'b.A.example', '[192.0.2.7]', '192.0.2.7', 'x_y', 'h.example', '-h.example', 'h..example', '[999.0.0.1]', 'c.example.',
            '[IPv6:2001:db8::7]', "h\xc3\xa9", '2001:db8::7', 'h' x 70, '<h>') : undef,
        mail => $address->(),
        rcpt => [map { $address->() } 1 .. one_of(1, 1, 2, 3)],
    };
}

# --- three ways to play it: each a list of [event, reply] up to what refuses all

# What Postfix refuses by its form, before any list.
my $syntax = qr{^5(?:0\d 5\.(?:1\.[37] Bad|5\.[24] (?!<))|55 )};

sub refused { return !defined $_[0] || $_[0] !~ /^[23]/ }

# With Postfix a refusal at CONNECT is in the greeting.
sub by_smtp {
    my ($port, $scene) = @_;
    my $smtp = Tamis::Smtp->new($port, timeout => 5);
    return ["client", undef] if !defined $smtp->last_reply;
    my (@said, $reply, $accepted);
    my $say = sub { push @said, [$_[0], $reply = $_[1]]; return refused($reply) };

    $smtp->command('EHLO harness.test.example');
    $reply = $smtp->xclient(%{ $scene->{client} });
    play: {
        last if $say->('client', $reply);
        last if defined $scene->{helo} && $say->('helo', $smtp->command("HELO $scene->{helo}"));
        last if $say->('mail', $smtp->command("MAIL FROM:$scene->{mail}"));
        for my $rcpt (@{ $scene->{rcpt} }) {
            $accepted++ if !$say->("rcpt $rcpt", $smtp->command("RCPT TO:$rcpt"));
            last play if ($reply // 421) =~ /^[45]21/;
        }
        last if !$accepted || $say->('data', $smtp->command('DATA'));
        $say->('message', $smtp->message("Subject: $scene->{subject}\n\nbody\n"));
    }
    $smtp->quit;
    return @said;
}

# Postfix means to cut a reply at 510 bytes (RFC 5321 section 4.5.3.1.5), but 3.7 does not; tamis does.
sub as_text {
    return map { my ($event, $reply) = @$_; $event . ' ' . (refused($reply) ? substr $reply // '(closed)', 0, 510 : 'Ok') } @_;
}

sub by_script {
    my ($filter, $scene, @events) = @_;
    my %client = %{ $scene->{client} };
    my @script = ("client " . ($client{name} // 'unknown') . " $client{addr}" . (defined $client{reverse_name} ? " $client{reverse_name}" : ''));
    my $mail = $filter->file('scene.eml', "Subject: $scene->{subject}\n\nbody\n");
    unshift @script, "auth $client{login}" if defined $client{login};
    my $first = $#script;
    push @script, map { $_->[0] eq 'mail' ? "mail $scene->{mail}" : $_->[0] eq 'helo' ? "helo $scene->{helo}" : $_->[0] eq 'message' ? "message $mail" : $_->[0] }
        @events[1 .. $#events];
    my ($status, $out, $err) = $filter->command('test', '--session', $filter->file('script', join '', map { "$_\n" } @script));
    diag "status $status: $err" if $status;
    my @answers = split /\n/, $out;
    return map { [$events[$_][0], $answers[$first + $_]] } 0 .. $#events;
}

my @names = map { ("native$_", "ours$_") } 1 .. $sites;
$postfix = Tamis::Postfix->new(ipv6 => 1, listeners => { map { $_ => {} } @names });
login_server($postfix->dir . '/login');
my %facts = (mydestination => 'test.example, y.example', relay_domains => 'r.example', myorigin => 'test.example', mynetworks => '127.0.0.0/8, [::1]/128');
my %common = (%facts, smtpd_sasl_auth_enable => 'yes', smtpd_sasl_type => 'dovecot', smtpd_sasl_path => $postfix->dir . '/login', default_transport => 'discard:',
    local_transport => 'discard:', relay_transport => 'discard:', virtual_transport => 'discard:', smtpd_sasl_local_domain => '',
    smtpd_client_connection_rate_limit => 0, maillog_file_permissions => '0644');
my @filters = map { Tamis::Filter->new(conf => '') } 1 .. $sites;
my ($played, $differ) = (0, 0);

sub conf_of {
    my (%site) = @_;
    my %all = (%site, %facts, restriction_classes => "@classes", inet_interfaces => '127.0.0.1, ::1');
    $all{smtpd_null_access_lookup_key} = delete $all{null_access_lookup_key};
    return join '', map { "$_ = $all{$_}\n" } sort keys %all;
}

sub printable { return $_[0] =~ s/([^\n\t -~])/sprintf '\\x%02x', ord $1/ger }

sub differs {
    my ($what, $site, $scene, $native, $ours) = @_;
    return if ++$differ > 5;
    diag printable(join "\n", (grep { /fatal|panic|warning: (?!.*restriction `)/ } split /\n/, $postfix->log)[-5 .. -1]) if grep { /closed/ } @$native;
    diag "$what differs\n", map { printable("$_\n") } "Postfix:", @$native, "tamis:", @$ours;
    diag printable(join "\n", map { "$_=" . ($scene->{client}{$_} // '') } sort keys %{ $scene->{client} });
    diag printable("helo " . ($scene->{helo} // '-') . "  mail $scene->{mail}");
    for my $name (sort grep { $site->{$_} ne '' } keys %$site) {
        diag printable("$name = $site->{$name}");
        diag printable("   $_") for map { slurp_table($_) } $site->{$name} =~ m{:(/\S+?)(?=[,\s]|\z)}g;
    }
}

sub slurp_table { open my $fh, '<:raw', $_[0] or return; return map { chomp; $_ } <$fh> }

for my $round (1 .. $rounds) {
    my @site = map { { site() } } 1 .. $sites;
    for my $i (1 .. $sites) {
        # Without delay_reject tamis takes no list that names what is known only later.
        $filters[$i - 1]->file('milter.conf', conf_of(%{ $site[$i - 1] }));
        $site[$i - 1]{delay_reject} = 'yes' if ($filters[$i - 1]->command('check'))[0] != 0;
        my %site = %{ $site[$i - 1] };
        $postfix->{opt}{listeners}{"native$i"} = { smtpd_milters => '', for_smtpd(%site) };
        $postfix->{opt}{listeners}{"ours$i"} = { smtpd_milters => $filters[$i - 1]->milter, strict_rfc821_envelopes => $site{strict_rfc821_envelopes} };
        $filters[$i - 1]->file('milter.conf', conf_of(%site));
        $filters[$i - 1]->start;
    }
    if ($round == 1) {
        %{ $postfix->{opt}{params} } = %common;
        $postfix->write_config;
        $postfix->start;
    } else {
        $postfix->reload;
    }
    for my $i (1 .. $sites) {
        for my $n (1 .. $scenes) {
            my $scene = scene($site[$i - 1]{helo_required} eq 'yes');
            # Behind a milter the login is known from MAIL on.
            $scene->{client}{login} = undef if $site[$i - 1]{delay_reject} eq 'no';
            $scene->{subject} = "$round $i $n";
            my @events = by_smtp($postfix->port("native$i"), $scene);
            my @native = as_text(@events);
            # It may end an smtpd 3.7.
            last if $native[-1] =~ /\(closed\)\z/;
            my @judged = grep { !defined $_->[1] || $_->[1] !~ $syntax } @events;
            my @script = as_text(by_script($filters[$i - 1], $scene, @judged));
            my @wanted = as_text(@judged);
            differs('script', $site[$i - 1], $scene, \@wanted, \@script) if "@wanted" ne "@script";
            $played++;
            next if $site[$i - 1]{delay_reject} eq 'no';
            my @live = as_text(by_smtp($postfix->port("ours$i"), $scene));
            differs('live', $site[$i - 1], $scene, \@native, \@live) if "@native" ne "@live";
        }
    }
    is($_->stop, 0, 'tamis ends well') for @filters;
    last if $differ > 20;
}
is($differ, 0, "$played scenes are answered alike");
done_testing;
